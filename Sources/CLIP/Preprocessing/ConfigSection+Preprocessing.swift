internal import CLIPJSON

extension ConfigSection {
    func flag(_ key: String, default fallback: Bool) throws(CLIPError) -> Bool {
        guard let value = present(key) else { return fallback }
        guard let flag = value.bool else { throw fault(key, value, expected: "true or false") }
        return flag
    }

    func text(_ key: String) throws(CLIPError) -> String? {
        guard let value = present(key) else { return nil }
        guard let text = value.string else { throw fault(key, value, expected: "a string") }
        return text
    }

    /// One of the raw values of an enumeration.
    func choice<Choice: RawRepresentable & CaseIterable>(
        _ key: String, default fallback: Choice
    ) throws(CLIPError) -> Choice where Choice.RawValue == String {
        guard let value = present(key) else { return fallback }
        guard let choice = value.string.flatMap(Choice.init(rawValue:)) else {
            throw fault(key, value, expected: Choice.allCases.map { jsonString($0.rawValue) }.joined(separator: ", "))
        }
        return choice
    }

    /// One finite number in `range` for each channel; a number that is no list counts for all.
    func channels(
        _ key: String, default fallback: [Float], in range: ClosedRange<Double>
    ) throws(CLIPError) -> [Float] {
        guard let value = present(key) else { return fallback }
        let numbers = value.array ?? [value, value, value]
        let channels = numbers.compactMap(\.double).filter(range.contains)
        guard numbers.count == 3, channels.count == 3 else {
            throw fault(key, value, expected: "three numbers from \(range.lowerBound) to \(range.upperBound)")
        }
        return channels.map { Float($0) }
    }

    /// A colour: three samples, or one for all channels.
    func colour(_ key: String, default fallback: [UInt8]) throws(CLIPError) -> [UInt8] {
        guard let value = present(key) else { return fallback }
        let samples = (value.array ?? [value, value, value]).map { $0.int.flatMap(UInt8.init(exactly:)) }
        guard samples.count == 3, case let colour = samples.compactMap(\.self), colour.count == 3 else {
            throw fault(key, value, expected: "three numbers from 0 to 255")
        }
        return colour
    }

    /// Notes what `key` was resolved to; where it is absent, that this is a default.
    mutating func record(_ name: String, _ value: String, key: String, risk: String? = nil) {
        let isAbsent = present(key) == nil
        record(name, value, isDefault: isAbsent, warning: isAbsent ? risk : nil)
    }
}
