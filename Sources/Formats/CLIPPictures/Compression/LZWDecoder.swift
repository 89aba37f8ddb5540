/// LZW as GIF and TIFF write it: codes of growing width, one that clears the dictionary, one that ends the data.
///
/// A string of the dictionary is always the string before it with one byte more, and that is what stands in the output
/// where the code before was written. So an entry is a place in the output and a length, and nothing is built.
struct LZWDecoder {
    /// In what the two differ.
    enum Flavour {
        /// Codes fill bytes from the lowest bit; a wider code follows when the dictionary is full for the old one.
        case gif
        /// Codes fill bytes from the highest bit; the width grows one code early.
        case tiff
    }

    enum Ending: Equatable {
        /// The output is full or the end code was read.
        case complete
        /// The input is used up.
        case endsEarly
        /// A code that the dictionary does not have yet; `position` is the byte of input.
        case undefinedCode(position: Int)
    }

    /// Bytes past the end of the output that copies may overwrite.
    static let slack = 8
    private static let largestWidth = 12

    let flavour: Flavour
    /// Bits of a byte that is not compressed: up to 8.
    let literalBits: Int

    /// Decompresses `input`.
    /// - Parameter output: what is wanted, and `slack` bytes more.
    /// - Returns: how many bytes were written, and why it stopped.
    func decode(
        _ input: UnsafeBufferPointer<UInt8>, into output: UnsafeMutableBufferPointer<UInt8>
    ) -> (written: Int, ending: Ending) {
        precondition((1...8).contains(literalBits) && output.count >= LZWDecoder.slack)
        let entries = 1 << LZWDecoder.largestWidth
        return withUnsafeTemporaryAllocation(of: Int32.self, capacity: entries) { lengths in
            withUnsafeTemporaryAllocation(of: Int.self, capacity: entries) { starts in
                switch flavour {
                case .gif: run(input, output, starts, lengths, isTIFF: false)
                case .tiff: run(input, output, starts, lengths, isTIFF: true)
                }
            }
        }
    }

    @inline(__always)
    private func run(
        _ input: UnsafeBufferPointer<UInt8>, _ output: UnsafeMutableBufferPointer<UInt8>,
        _ starts: UnsafeMutableBufferPointer<Int>, _ lengths: UnsafeMutableBufferPointer<Int32>, isTIFF: Bool
    ) -> (written: Int, ending: Ending) {
        let clear = 1 << literalBits
        let early = isTIFF ? 1 : 0
        let wanted = output.count - LZWDecoder.slack
        guard wanted > 0, let target = output.baseAddress else { return (0, .complete) }

        var width = literalBits + 1
        var next = clear + 2
        // Where the string before stands, -1 after a clear, and its length.
        var previous = -1
        var previousLength = 0
        var written = 0
        // Bits not yet used: GIF's lowest first, TIFF's highest first below `bitCount`.
        var bits: UInt64 = 0
        var bitCount = 0
        var position = 0

        while written < wanted {
            if bitCount < width {
                while bitCount <= 48, position < input.count {
                    let byte = UInt64(input[position])
                    bits = isTIFF ? bits &<< 8 | byte : bits | byte &<< UInt64(bitCount)
                    bitCount &+= 8
                    position &+= 1
                }
                guard bitCount >= width else { return (written, .endsEarly) }
            }
            let mask = UInt64(1) &<< UInt64(width) &- 1
            let code: Int
            bitCount &-= width
            if isTIFF {
                code = Int(truncatingIfNeeded: bits &>> UInt64(bitCount) & mask)
            } else {
                code = Int(truncatingIfNeeded: bits & mask)
                bits = bits &>> UInt64(width)
            }

            if code < clear {
                target[written] = UInt8(truncatingIfNeeded: code)
                add(&next, previous, previousLength, starts, lengths)
                previous = written
                previousLength = 1
                written &+= 1
            } else if code == clear {
                width = literalBits + 1
                next = clear + 2
                previous = -1
                continue
            } else if code == clear + 1 {
                return (written, .complete)
            } else {
                // The newest string may be the one before with its own first byte repeated.
                guard previous >= 0, code <= next, code < 1 << LZWDecoder.largestWidth else {
                    return (written, .undefinedCode(position: position))
                }
                let isNewest = code == next
                let source = isNewest ? previous : starts[code]
                let full = isNewest ? previousLength &+ 1 : Int(truncatingIfNeeded: lengths[code])
                let length = min(full, wanted &- written)
                copy(target, from: source, to: written, length: length)
                add(&next, previous, previousLength, starts, lengths)
                previous = written
                previousLength = length
                written &+= length
            }
            if next &+ early >= 1 &<< width, width < LZWDecoder.largestWidth { width &+= 1 }
        }
        return (written, .complete)
    }

    /// Adds the string before and the byte after it. A full dictionary stays as it is until it is cleared.
    @inline(__always)
    private func add(
        _ next: inout Int, _ previous: Int, _ previousLength: Int,
        _ starts: UnsafeMutableBufferPointer<Int>, _ lengths: UnsafeMutableBufferPointer<Int32>
    ) {
        guard previous >= 0, next < starts.count else { return }
        starts[next] = previous
        lengths[next] = Int32(truncatingIfNeeded: previousLength &+ 1)
        next &+= 1
    }

    /// Copies within the output, eight bytes at a time where the two places are that far apart.
    @inline(__always)
    private func copy(_ target: UnsafeMutablePointer<UInt8>, from source: Int, to place: Int, length: Int) {
        if place &- source >= 8 {
            let bytes = UnsafeMutableRawPointer(target)
            var offset = 0
            repeat {
                let word = bytes.loadUnaligned(fromByteOffset: source &+ offset, as: UInt64.self)
                bytes.storeBytes(of: word, toByteOffset: place &+ offset, as: UInt64.self)
                offset &+= 8
            } while offset < length
        } else {
            for offset in 0..<length { target[place &+ offset] = target[source &+ offset] }
        }
    }
}
