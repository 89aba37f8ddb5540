import CLIP
import CLIPPictures
import CLIPSystem
import PictureCollections

/// Pictures drawn among the text of a terminal, in the way that it understands.
package struct TerminalPictures: Sendable {
    package enum Manner: Equatable, Sendable {
        /// The graphics protocol of kitty, which Ghostty has too: PNG files between escape sequences.
        case kitty
        /// iTerm2's inline images, which WezTerm and mintty have too.
        case iTerm
        /// DEC's sixels, in 216 colours.
        case sixel
        /// Half a character's height a pixel, in colours of 24 bits or in 216: every terminal with colours.
        case blocks(isTrueColour: Bool)
    }

    /// Columns and lines of text that a picture takes at most.
    package static let (columns, lines) = (32, 12)
    /// Pixels of a column, where pictures are drawn finer than characters are; a line is twice as high.
    private static let pixelsPerColumn = 10

    package let manner: Manner

    package init(_ manner: Manner) { self.manner = manner }

    /// What the terminal of these variables understands. What runs inside another program, tmux or screen, gets characters: those
    /// pass no pictures on unless they are told to.
    package init(environment: (String) -> String?) {
        let (term, program) = (environment("TERM") ?? "", environment("TERM_PROGRAM") ?? "")
        let isInside = environment("TMUX") != nil || environment("STY") != nil
        if isInside {
            manner = .blocks(isTrueColour: TerminalPictures.isTrueColour(environment))
        } else if environment("KITTY_WINDOW_ID") != nil || term.hasSuffix("kitty") || program == "ghostty" {
            manner = .kitty
        } else if ["iTerm.app", "WezTerm", "mintty"].contains(program) || environment("LC_TERMINAL") == "iTerm2" {
            manner = .iTerm
        } else if term.hasPrefix("foot") || term.hasPrefix("mlterm") || term.hasSuffix("sixel") {
            manner = .sixel
        } else {
            manner = .blocks(isTrueColour: TerminalPictures.isTrueColour(environment))
        }
    }

    private static func isTrueColour(_ environment: (String) -> String?) -> Bool {
        ["truecolor", "24bit"].contains(environment("COLORTERM"))
    }

    /// The pixels that are worth decoding, each way.
    package static var edge: Int { columns * pixelsPerColumn }

    /// A picture as text that draws it, whole lines.
    /// - Parameter indent: columns that stay free before it.
    package func drawing(of picture: Picture, indent: Int = 0) -> String {
        let margin = String(repeating: " ", count: indent)
        switch manner {
        case .blocks(let isTrueColour):
            let small = TerminalPictures.fitted(
                picture.bitmap, width: TerminalPictures.columns, height: 2 * TerminalPictures.lines)
            return TerminalPictures.blocks(small, isTrueColour: isTrueColour, margin: margin)
        case .kitty: return margin + kitty(fitted(picture).png()) + "\n"
        case .iTerm:
            let png = fitted(picture).png()
            return margin
                + "\u{1B}]1337;File=inline=1;size=\(png.count);preserveAspectRatio=1:\(base64OfBytes(png))\u{7}\n"
        case .sixel: return margin + TerminalPictures.sixels(fitted(picture).bitmap) + "\n"
        }
    }

    private func fitted(_ picture: Picture) -> Picture {
        let edge = TerminalPictures.edge
        let height = 2 * TerminalPictures.lines * TerminalPictures.pixelsPerColumn
        return Picture(bitmap: TerminalPictures.fitted(picture.bitmap, width: edge, height: height))
    }

    /// The picture no larger than that, its proportions kept.
    private static func fitted(_ bitmap: Bitmap, width: Int, height: Int) -> Bitmap {
        let scale = min(1, Double(width) / Double(bitmap.width), Double(height) / Double(bitmap.height))
        guard scale < 1 else { return bitmap }
        let newWidth = max(1, min(width, Int((Double(bitmap.width) * scale).rounded())))
        let newHeight = max(1, min(height, Int((Double(bitmap.height) * scale).rounded())))
        return bitmap.resized(
            width: newWidth, height: newHeight, filter: .bilinear)
    }

    /// An upper half of each character's place in the one colour, the lower in the other.
    private static func blocks(_ bitmap: Bitmap, isTrueColour: Bool, margin: String) -> String {
        func colour(_ x: Int, _ y: Int) -> String {
            let place = 3 * (y * bitmap.width + x)
            let (red, green, blue) = (bitmap.pixels[place], bitmap.pixels[place + 1], bitmap.pixels[place + 2])
            return isTrueColour ? "2;\(red);\(green);\(blue)" : "5;\(16 + cubeColour(red, green, blue))"
        }
        var text = ""
        for top in stride(from: 0, to: bitmap.height, by: 2) {
            text += margin
            for x in 0..<bitmap.width {
                let lower = top + 1 < bitmap.height ? "48;" + colour(x, top + 1) : "49"
                text += "\u{1B}[38;\(colour(x, top));\(lower)m\u{2580}"
            }
            text += "\u{1B}[0m\n"
        }
        return text
    }

    /// Chunks of at most 4,096 letters, of which all but the last say that more follow.
    private func kitty(_ png: [UInt8]) -> String {
        var rest = Array(base64OfBytes(png).utf8)[...]
        var (text, settings) = ("", "f=100,a=T,")
        repeat {
            let chunk = rest.prefix(4096)
            rest = rest.dropFirst(4096)
            text += "\u{1B}_G\(settings)m=\(rest.isEmpty ? 0 : 1);\(String(decoding: chunk, as: UTF8.self))\u{1B}\\"
            settings = ""
        } while !rest.isEmpty
        return text
    }

    /// One of 6 × 6 × 6 colours.
    private static func cubeColour(_ red: UInt8, _ green: UInt8, _ blue: UInt8) -> Int {
        func level(_ sample: UInt8) -> Int { (Int(sample) * 5 + 127) / 255 }
        return 36 * level(red) + 6 * level(green) + level(blue)
    }

    /// Bands of six rows, and in each a line of each colour: a letter says which of six pixels have it.
    private static func sixels(_ bitmap: Bitmap) -> String {
        let colours = (0..<bitmap.width * bitmap.height).map { place in
            cubeColour(bitmap.pixels[3 * place], bitmap.pixels[3 * place + 1], bitmap.pixels[3 * place + 2])
        }
        var text = "\u{1B}Pq\"1;1;\(bitmap.width);\(bitmap.height)"
        for colour in Set(colours).sorted() {
            text += "#\(colour);2;\(colour / 36 * 20);\(colour / 6 % 6 * 20);\(colour % 6 * 20)"
        }
        for top in stride(from: 0, to: bitmap.height, by: 6) {
            let rows = top..<min(top + 6, bitmap.height)
            let band = colours[(rows.lowerBound * bitmap.width)..<(rows.upperBound * bitmap.width)]
            for colour in Set(band).sorted() {
                text += "#\(colour)"
                var (last, count) = (-1, 0)
                func end() -> String {
                    let letter = String(UnicodeScalar(UInt8(63 + max(last, 0))))
                    return count > 3 ? "!\(count)\(letter)" : String(repeating: letter, count: count)
                }
                for x in 0..<bitmap.width {
                    let bits = rows.reduce(0) { bits, y in
                        colours[y * bitmap.width + x] == colour ? bits | 1 << (y - top) : bits
                    }
                    if bits != last {
                        text += end()
                        (last, count) = (bits, 0)
                    }
                    count += 1
                }
                text += end() + "$"
            }
            text += "-"
        }
        return text + "\u{1B}\\"
    }
}
