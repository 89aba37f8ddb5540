const id = name => document.getElementById(name)
const pageSize = 60

// What is asked for. Of a picture `body` is what the server takes: its embedding, or the id of one of its own.
const asked = { text: "", without: [], threshold: 0, picture: null }
let running = null
let shown = 0
let hasMore = false
let enlarged = null

/// Asks for what comes behind the hits that are shown, or for other hits. The letter before is no longer waited for.
async function search(offset = 0) {
  running?.abort()
  const own = running = new AbortController()
  if (!offset) remember()
  if (!asked.text.trim() && !asked.picture) return show([], 0)
  const { text, without, picture } = asked
  const body = { text, without, threshold: asked.threshold || undefined, offset, count: pageSize, ...picture?.body }
  const start = performance.now()
  try {
    const answer = await ask("/api/search", { "Content-Type": "application/json" }, JSON.stringify(body), own.signal)
    hasMore = answer.hasMore
    show(answer.hits, offset)
    const time = Math.round(performance.now() - start)
    const found = shown ? `${shown}${hasMore ? " and more" : ""} of ${answer.searched.toLocaleString()} pictures` : "No picture"
    say(`${found}, in ${time} ms`)
  } catch (error) {
    if (error.name !== "AbortError") say(error.message, true)
  }
}

async function ask(address, headers, body, signal) {
  const response = await fetch(address, { method: "POST", headers, body, signal })
  const answer = await response.json().catch(() => ({}))
  if (!response.ok) throw new Error(answer.error?.message ?? `The server says ${response.status}`)
  return answer
}

function say(words, isFault = false) {
  id("status").textContent = words
  id("status").classList.toggle("fault", isFault)
}

function show(hits, offset) {
  const kept = new Map([...id("hits").children].map(item => [item.dataset.id, item]))
  const items = hits.map(hit => fill(kept.get(hit.id) ?? id("hit").content.firstElementChild.cloneNode(true), hit))
  if (offset) id("hits").append(...items)
  else id("hits").replaceChildren(...items)
  // A picture that isn't shown any more needn't be loaded.
  for (const item of kept.values()) if (!item.isConnected) item.querySelector("img")?.removeAttribute("src")
  shown = id("hits").children.length
  if (!shown) hasMore = false
  // Of large screens one page may not reach the end.
  watch.unobserve(id("end"))
  watch.observe(id("end"))
}

function fill(item, hit) {
  if (item.dataset.id !== hit.id) {
    item.dataset.id = hit.id
    const image = item.querySelector("img")
    image.src = `/pictures/${hit.id}/320`
    image.alt = hit.name
    item.querySelector(".name").textContent = hit.name
  }
  const isDoubtful = hit.fits === false
  item.classList.toggle("doubtful", isDoubtful)
  item.querySelector(".score").textContent = hit.score.toFixed(3).replace("-", "−") + (isDoubtful ? " · doubtful" : "")
  return item
}

const watch = new IntersectionObserver(entries => {
  if (hasMore && entries.some(entry => entry.isIntersecting)) {
    hasMore = false
    search(shown)
  }
}, { rootMargin: "600px" })

/// Shows what is asked for, and keeps it in the address, for the list of bookmarks.
function remember() {
  const terms = asked.without.map((text, place) => term("without " + text, () => asked.without.splice(place, 1), "without"))
  if (asked.picture) terms.unshift(term(asked.picture.name, () => { asked.picture = null }, "", asked.picture.shot))
  id("terms").replaceChildren(...terms)
  id("least").value = asked.threshold ? asked.threshold.toFixed(2) : "any"
  const words = new URLSearchParams()
  if (asked.text) words.set("text", asked.text)
  for (const text of asked.without) words.append("without", text)
  if (asked.threshold) words.set("threshold", asked.threshold)
  if (asked.picture?.body.like) words.set("like", asked.picture.body.like)
  history.replaceState(null, "", words.size ? "#" + words : location.pathname)
}

function term(words, remove, kind, shot) {
  const item = document.createElement("li")
  item.className = kind
  if (shot) item.append(Object.assign(document.createElement("img"), { src: shot, alt: "" }))
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: "×", ariaLabel: "Remove " + words })
  button.onclick = () => { remove(); search() }
  item.append(words, button)
  return item
}

/// Looks for pictures like one that somebody brings.
async function bring(file) {
  if (!file?.type.startsWith("image/")) return say("That is no picture", true)
  say(`Looking at ${file.name} …`)
  try {
    const body = await ask("/api/embedding", { "Content-Type": "application/octet-stream" }, file)
    asked.picture = { body, name: file.name, shot: URL.createObjectURL(file) }
    search()
  } catch (error) {
    say(`${file.name}: ${error.message}`, true)
  }
}

function like(item) {
  asked.picture = { body: { like: item.dataset.id }, name: item.querySelector(".name").textContent, shot: `/pictures/${item.dataset.id}/320` }
  asked.text = id("text").value = ""
  search()
  scrollTo(0, 0)
}

function enlarge(item) {
  enlarged = item
  const [image, words] = id("large").querySelectorAll("img, p")
  image.src = `/pictures/${item.dataset.id}/1600`
  image.alt = words.textContent = item.querySelector(".name").textContent
  if (!id("large").open) id("large").showModal()
}

/// The button of the picture so many places behind one; by rows it is the one above or below.
function neighbour(item, key) {
  const items = [...id("hits").children]
  const second = items.findIndex(other => other.offsetTop > items[0].offsetTop)
  const columns = second < 0 ? items.length : second
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[key]
  return items[items.indexOf(item) + step]
}

id("form").onsubmit = event => event.preventDefault()
id("text").oninput = () => { asked.text = id("text").value; search() }
id("threshold").oninput = () => { asked.threshold = Number(id("threshold").value); search() }
id("without").onkeydown = event => {
  const text = id("without").value.trim()
  if (event.key !== "Enter" || !text) return
  asked.without.push(text)
  id("without").value = ""
  search()
}
id("file").onchange = () => { bring(id("file").files[0]); id("file").value = "" }
id("hits").onclick = event => {
  const item = event.target.closest("li")
  if (event.target.closest(".like")) like(item)
  else if (event.target.closest(".shot")) enlarge(item)
}
id("hits").addEventListener("error", event => {
  // Events of pictures don't rise; they are met on the way down.
  if (event.target.src) event.target.parentElement.textContent = "Gone, or changed since it was indexed"
}, true)

document.onkeydown = event => {
  const item = event.target.closest?.("#hits li")
  const isWriting = event.target.matches?.("input[type=search], input[type=text]")
  if (id("large").open) {
    const next = event.key.startsWith("Arrow") && neighbour(enlarged, event.key)
    if (next) enlarge(next)
  } else if (event.key === "/" && !isWriting) {
    event.preventDefault()
    id("text").focus()
    id("text").select()
  } else if (event.key === "Escape") {
    Object.assign(asked, { text: "", without: [], threshold: 0, picture: null })
    id("text").value = ""
    id("threshold").value = 0
    id("text").focus()
    search()
  } else if (event.key === "ArrowDown" && event.target === id("text")) {
    event.preventDefault()
    id("hits").querySelector(".shot")?.focus()
  } else if (item && event.key.startsWith("Arrow")) {
    event.preventDefault()
    neighbour(item, event.key)?.querySelector(".shot").focus()
  } else if (item && event.key.toLowerCase() === "l") {
    like(item)
  }
}

document.ondragover = event => { event.preventDefault(); id("drop").hidden = false }
document.ondragleave = event => { if (!event.relatedTarget) id("drop").hidden = true }
document.ondrop = event => {
  event.preventDefault()
  id("drop").hidden = true
  bring(event.dataTransfer.files[0])
}
document.onpaste = event => { if (event.clipboardData.files.length) bring(event.clipboardData.files[0]) }

// What an address asks for.
const words = new URLSearchParams(location.hash.slice(1))
asked.text = id("text").value = words.get("text") ?? ""
asked.without = words.getAll("without")
asked.threshold = id("threshold").value = Number(words.get("threshold")) || 0
if (words.get("like")) asked.picture = { body: { like: words.get("like") }, name: "a picture of the index", shot: `/pictures/${words.get("like")}/320` }
const { pictures, model } = await (await fetch("/api/index")).json()
say(`${pictures.toLocaleString()} pictures, read by ${model}`)
if (location.hash) search()
