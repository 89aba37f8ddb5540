import CLIPSystem
import Synchronization

/// When what is written for people has colours.
package enum ColorChoice: String, CaseIterable, Sendable {
    case auto, always, never
}

/// What a terminal shows of text.
package enum Terminal {
    /// How a part of a line stands out.
    package enum Emphasis: String {
        case heading = "1"
        case error = "1;31"
        case warning = "1;33"
        case note = "1;36"
    }

    private static let choice = Mutex(ColorChoice.auto)

    /// From now on colours are as somebody wants them.
    package static func setColors(_ wanted: ColorChoice) { choice.withLock { $0 = wanted } }

    /// `text` as it stands out on what a descriptor leads to: as it is where that is no terminal, or nobody wants colours
    /// (https://no-color.org).
    package static func emphasized(_ text: String, _ emphasis: Emphasis, on descriptor: Int32) -> String {
        shows(on: descriptor) ? "\u{1B}[\(emphasis.rawValue)m\(text)\u{1B}[0m" : text
    }

    package static func shows(on descriptor: Int32) -> Bool {
        switch choice.withLock({ $0 }) {
        case .always: true
        case .never: false
        case .auto:
            isatty(descriptor) == 1 && (environmentVariable("NO_COLOR") ?? "").isEmpty
                && environmentVariable("TERM") != "dumb"
        }
    }

    /// How many columns the terminal has that a descriptor leads to; nil where it is none, or doesn't say.
    package static func columns(_ descriptor: Int32) -> Int? {
        var size = winsize()
        guard isatty(descriptor) == 1, ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else {
            return nil
        }
        return Int(size.ws_col)
    }
}
