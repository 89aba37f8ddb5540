import CLIPSystem
import CLIPWeights
import PictureCollections

extension PictureReport {
    /// The page. It loads nothing from elsewhere, follows the reader's light or dark setting, and reads well without
    /// a mouse: Tab and arrow keys go from picture to picture, Enter opens one, arrow keys go on, Escape closes.
    /// - Complexity: O(the length of the page), which is in memory as a whole.
    package func html() -> String {
        // No script but the page's own runs, whatever a name may smuggle in.
        var hash = SHA256()
        hash.update(Array(PictureReport.script.utf8))
        var html = """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src 'self' data: file:; \
            style-src 'unsafe-inline'; script-src 'sha256-\(base64OfBytes(hash.digest()))'; base-uri 'none'; form-action 'none'">
            <meta name="referrer" content="no-referrer">
            <title>\(escaped(title))</title>
            <style>
            \(PictureReport.style)
            </style>
            </head>
            <body>
            <a class="skip" href="#main">Skip to the pictures</a>
            <header>
            <h1>\(escaped(title))</h1>

            """
        html += paragraphs(introduction) + "</header>\n"
        if sections.count > 1 {
            html += "<nav aria-label=\"On this page\"><ul>\n"
            for (index, section) in sections.enumerated() {
                html += "<li><a href=\"#s\(index)\">\(escaped(section.heading))</a></li>\n"
            }
            html += "</ul></nav>\n"
        }
        html += "<main id=\"main\">\n"
        for (index, section) in sections.enumerated() { append(section, index, to: &html) }
        html += "</main>\n"
        if !notes.isEmpty {
            html += "<footer>\n<h2>How to read this page</h2>\n" + paragraphs(notes) + "</footer>\n"
        }
        return html + PictureReport.dialog + "<script>" + PictureReport.script + "</script>\n</body>\n</html>\n"
    }

    private func paragraphs(_ texts: [String]) -> String { texts.map { "<p>\(escaped($0))</p>\n" }.joined() }

    private func append(_ section: Section, _ index: Int, to html: inout String) {
        html += "<section aria-labelledby=\"s\(index)\">\n<h2 id=\"s\(index)\">\(escaped(section.heading))</h2>\n"
        html += paragraphs(section.paragraphs)
        if !section.terms.isEmpty {
            html += "<ul class=\"terms\" aria-label=\"What was asked for\">\n"
            for term in section.terms { append(term, to: &html) }
            html += "</ul>\n"
        }
        if let table = section.table { append(table, to: &html) }
        append(section.pictures, to: &html)
        if let plan = section.plan { html += toolbar(plan) }
        if !section.groups.isEmpty {
            html += "<div class=\"groups\">\n"
            for group in section.groups {
                html += "<article class=\"group\">\n<h3>\(escaped(group.heading))</h3>\n" + paragraphs(group.lines)
                append(group.pictures, to: &html)
                html += "</article>\n"
            }
            html += "</div>\n"
        }
        html += "</section>\n"
    }

    /// Hidden where no script runs, as the boxes are that it is about.
    private func toolbar(_ plan: Plan) -> String {
        """
        <div class="plan" role="group" aria-label="The plan" hidden data-model="\(escaped(plan.model))">
        <output></output> <button type="button" class="save">Save the plan</button>
        <button type="button" class="tick">Tick as proposed</button> <button type="button" class="untick">Untick all</button>
        <p>What is ticked goes once you run <code>\(escaped(plan.call))</code>; <code>clip undo</code> brings it back.</p>
        </div>

        """
    }

    private func append(_ term: Term, to html: inout String) {
        let sign = term.isWanted ? "+" : "−"
        html +=
            "<li class=\"\(term.isWanted ? "with" : "without")\"><span class=\"sign\" aria-hidden=\"true\">\(sign)</span>"
        if let image = image(term.thumbnail, alt: "") { html += image }
        html += "<span>\(term.isWanted ? "" : "without ")<bdi>\(escaped(term.text))</bdi></span>"
        if let weight = term.weight { html += "<span class=\"weight\">\(escaped(weight))</span>" }
        html += "</li>\n"
    }

    private func append(_ table: Table, to html: inout String) {
        html += "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Table\"><table>\n<thead><tr>"
        for column in table.columns { html += "<th scope=\"col\">\(escaped(column))</th>" }
        html += "</tr></thead>\n<tbody>\n"
        for row in table.rows {
            html += "<tr>"
            for cell in row {
                switch cell {
                case .text(let text): html += "<td>\(escaped(text))</td>"
                case .number(let text):
                    html += "<td class=\"number\">\(String(escaped(text).map { $0 == "-" ? "−" : $0 }))</td>"
                case .share(let share):
                    let thousandths = Int((max(0, min(1, share.isFinite ? share : 0)) * 1000).rounded())
                    let exact = "\(thousandths / 10).\(thousandths % 10)"
                    html += "<td class=\"number\"><span class=\"bar\" style=\"--share:\(exact)%\"></span>"
                    html += "\(thousandths < 100 ? exact : "\((thousandths + 5) / 10)") %</td>"
                }
            }
            html += "</tr>\n"
        }
        html += "</tbody></table></div>\n"
    }

    private func append(_ cards: [Card], to html: inout String) {
        guard !cards.isEmpty else { return }
        html += "<ul class=\"pictures\">\n"
        for card in cards { append(card, to: &html) }
        html += "</ul>\n"
    }

    private func append(_ card: Card, to html: inout String) {
        html += "<li class=\"card \(card.mark?.tone.rawValue ?? "plain")\"><figure>"
        if let image = image(card.thumbnail, alt: escaped(card.name)) {
            // Without a script a link still shows the picture.
            html +=
                card.link.map { "<a class=\"shot\" href=\"\(escaped($0))\"" }
                ?? "<button type=\"button\" class=\"shot\""
            html += " aria-haspopup=\"dialog\">\(image)\(card.link == nil ? "</button>" : "</a>")"
        } else {
            html += "<span class=\"missing\">can’t be shown</span>"
        }
        html += "<figcaption>"
        if let mark = card.mark { html += "<span class=\"mark \(mark.tone.rawValue)\">\(escaped(mark.text))</span>" }
        let slash = card.name.lastIndex(of: "/").map { card.name.index(after: $0) } ?? card.name.startIndex
        html += "<span class=\"name\" title=\"\(escaped(card.name))\"><bdi>"
        if slash > card.name.startIndex {
            // A long path breaks at its slashes first.
            let folders = card.name[..<slash].split(separator: "/", omittingEmptySubsequences: false)
            let folder = folders.map { escaped(String($0)) }.joined(separator: "/<wbr>")
            html += "<span class=\"folder\">\(folder)</span>"
        }
        html += "\(escaped(String(card.name[slash...])))</bdi></span>"
        for line in card.lines { html += "<span>\(escaped(line))</span>" }
        html += "</figcaption></figure>"
        if let choice = card.choice {
            html += "<label class=\"choice\" hidden><input type=\"checkbox\" data-file=\"\(escaped(choice.file))\""
            if choice.goes { html += " checked" }
            if choice.isFixed { html += " disabled" }
            html += "> \(choice.isFixed ? "always stays" : "goes")</label>"
        }
        html += "</li>\n"
    }

    /// nil when there is nothing to show.
    private func image(_ thumbnail: Thumbnail?, alt: String) -> String? {
        let source: String
        switch thumbnail {
        case .embedded(let jpeg, let width, let height):
            source = "width=\"\(width)\" height=\"\(height)\" src=\"data:image/jpeg;base64,\(base64OfBytes(jpeg))\""
        case .linked(let address): source = "src=\"\(escaped(address))\""
        case .missing, nil: return nil
        }
        return "<img loading=\"lazy\" decoding=\"async\" alt=\"\(alt)\" \(source)>"
    }

    private static let dialog = """
        <dialog aria-label="Picture"><figure><img alt=""><figcaption></figcaption></figure>
        <p class="tools"><button type="button" class="previous">← Previous</button>
        <button type="button" class="next">Next →</button> <span class="place" aria-live="polite"></span>
        <a href="#main">Open the file</a> <button type="button" class="close" autofocus>Close</button></p></dialog>

        """
}
