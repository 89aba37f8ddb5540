import CLIPSystem
import PictureCollections

/// A line on standard error: how many are done, how fast, how long it will take.
final class ProgressBar {
    /// How many there will be; nil while nobody can know.
    private var total: Int?
    /// nil for bytes.
    private let unit: String?
    private let start = monotonicSeconds()
    private var done = 0
    /// How many of them were there from the beginning: they say nothing of the speed.
    private var found = 0
    private var lastDrawn = 0.0
    /// When `done` changed last: what comes in batches says nothing of the speed in between.
    private var lastChange: Double?
    private var isDrawn = false

    init(total: Int?, unit: String) {
        self.total = total
        self.unit = unit
    }

    /// A bar of bytes, none of them known yet.
    init() {
        total = nil
        unit = nil
    }

    /// Counts some more. The line shows them when it is refreshed: in the middle of a batch that is done at once it
    /// would count the first of it alone, for as long as the next takes.
    func advance(by count: Int = 1) {
        done += count
        lastChange = monotonicSeconds()
    }

    /// Draws the line before something that takes time, if the last time was a while ago.
    func refresh() { draw() }

    /// Says how far it is.
    /// - Parameter found: how many of `done` were there from the beginning.
    func update(done: Int, total: Int, found: Int) {
        (self.done, self.total, self.found) = (done, total, found)
        lastChange = monotonicSeconds()
        draw()
    }

    private func draw() {
        let now = monotonicSeconds()
        guard now - lastDrawn >= 0.1 else { return }
        lastDrawn = now
        Console.writeLines("\r" + line(seconds: (lastChange ?? now) - start, columns: Console.columns) + "\u{1B}[K")
        isDrawn = true
    }

    /// Takes the line off the screen, so that another can be written there.
    func clear() {
        guard isDrawn else { return }
        Console.writeLines("\r\u{1B}[K")
        isDrawn = false
    }

    /// The line as it stands after `seconds`.
    func line(seconds: Double, columns: Int) -> String {
        let rate = seconds > 0 ? Double(max(0, done - found)) / seconds : 0
        let speed = unit.map { "\(decimal(rate, places: rate < 10 ? 1 : 0)) \($0)/s" } ?? megabytes(rate) + "/s"
        let amount = unit.map { "\(done) \($0)" } ?? megabytes(Double(done))
        guard let total, total > 0 else { return "\(amount)  \(speed)" }
        let share = min(1, Double(done) / Double(total))
        let left = rate > 0 ? "  \(ProgressBar.duration(Double(max(0, total - done)) / rate)) left" : ""
        let whole = unit == nil ? megabytes(Double(total)) : "\(total)"
        let numbers = " \(Int(share * 100)) %  \(unit == nil ? amount : "\(done)") of \(whole)  \(speed)\(left)"
        let room = min(30, columns - numbers.count - 3)
        guard room >= 5 else { return String(numbers.dropFirst().prefix(max(0, columns - 1))) }
        let filled = Int(share * Double(room))
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: room - filled)
        return "[\(bar)]\(numbers)"
    }

    /// `8 s`, `3 min 20 s`, `2 h 5 min`.
    static func duration(_ seconds: Double) -> String {
        let seconds = Int(min(seconds.rounded(.up), 1e9))
        if seconds < 60 { return "\(seconds) s" }
        if seconds < 3600 { return "\(seconds / 60) min \(seconds % 60) s" }
        return "\(seconds / 3600) h \(seconds / 60 % 60) min"
    }
}

/// `12.3 MB`.
func megabytes(_ bytes: Double) -> String { "\(decimal(bytes / 1e6, places: bytes < 1e8 ? 1 : 0)) MB" }
