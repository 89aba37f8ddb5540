/// Normal form C (Unicode Standard Annex #15), by the tables of the reference tokenizers.
struct CanonicalComposition {
    /// A scalar and where in the text it comes from.
    struct Element {
        var scalar: UInt32
        var offset: Int
        fileprivate var combiningClass: UInt32 = 0

        init(scalar: UInt32, offset: Int) {
            self.scalar = scalar
            self.offset = offset
        }
    }

    private enum Hangul {
        static let syllables: UInt32 = 0xAC00
        static let leads: UInt32 = 0x1100
        static let vowels: UInt32 = 0x1161
        /// One below the first tail, which stands for none.
        static let tails: UInt32 = 0x11A7
        static let leadCount: UInt32 = 19
        static let vowelCount: UInt32 = 21
        static let tailCount: UInt32 = 28
        static let syllableCount = leadCount * vowelCount * tailCount
    }

    /// Whether to know what Unicode got lately, which transformers doesn't.
    let knowsNewer: Bool
    private let classes = ScalarClasses()
    private let combiningClasses = SixBitTable(UnicodeTables.combiningClasses)
    private let decompositions = SixBitTable(UnicodeTables.decompositions)
    private let compositions = SixBitTable(UnicodeTables.compositions)

    init(knowsNewer: Bool) { self.knowsNewer = knowsNewer }

    func normalize(_ elements: [Element]) -> [Element] {
        var result = decompose(elements)
        compose(&result)
        return result
    }

    /// Normal form D.
    func decompose(_ elements: [Element]) -> [Element] {
        var result: [Element] = []
        result.reserveCapacity(elements.count)
        for element in elements { decompose(element, into: &result) }
        reorder(&result)
        return result
    }

    /// Normal form KD, as the tokenizers library has it.
    func decomposeCompatibly(_ elements: [Element]) -> [Element] {
        let table = SixBitTable(StepTables.compatible)
        let texts = SixBitTable(StepTables.compatibleTexts)
        var result: [Element] = []
        result.reserveCapacity(elements.count)
        for element in elements {
            guard element.scalar >= 0xA0, let row = table.row(of: UInt64(element.scalar), keyLength: 4, rowLength: 8)
            else {
                result.append(element)
                continue
            }
            let start = Int(table.number(at: row + 4, count: 3))
            for place in start..<start + Int(table.number(at: row + 7, count: 1)) {
                result.append(
                    Element(scalar: texts.number(at: 4 * place, count: 4), offset: element.offset))
            }
        }
        return decompose(result)
    }

    private func decompose(_ element: Element, into result: inout [Element]) {
        let scalar = element.scalar
        if scalar >= Hangul.syllables, scalar - Hangul.syllables < Hangul.syllableCount {
            let index = scalar - Hangul.syllables
            let tail = index % Hangul.tailCount
            let syllable = index / Hangul.tailCount
            result.append(Element(scalar: Hangul.leads + syllable / Hangul.vowelCount, offset: element.offset))
            result.append(Element(scalar: Hangul.vowels + syllable % Hangul.vowelCount, offset: element.offset))
            if tail > 0 { result.append(Element(scalar: Hangul.tails + tail, offset: element.offset)) }
            return
        }
        guard scalar >= 0xC0, let row = decompositions.row(of: UInt64(scalar), keyLength: 4, rowLength: 13),
            knowsNewer || decompositions.number(at: row + 12, count: 1) == 0
        else {
            var element = element
            element.combiningClass = combiningClass(scalar)
            result.append(element)
            return
        }
        for place in [4, 8] {
            let part = decompositions.number(at: row + place, count: 4)
            if part != 0 { decompose(Element(scalar: part, offset: element.offset), into: &result) }
        }
    }

    private func combiningClass(_ scalar: UInt32) -> UInt32 {
        guard classes[scalar].isUnnormalized,
            let row = combiningClasses.row(of: UInt64(scalar), keyLength: 4, rowLength: 7),
            knowsNewer || combiningClasses.number(at: row + 6, count: 1) == 0
        else { return 0 }
        return combiningClasses.number(at: row + 4, count: 2)
    }

    /// Sorts each run of marks by combining class, those of one class in the order of the text.
    private func reorder(_ elements: inout [Element]) {
        var index = 0
        while index < elements.count {
            guard elements[index].combiningClass != 0 else {
                index += 1
                continue
            }
            var end = index + 1
            var isSorted = true
            while end < elements.count, elements[end].combiningClass != 0 {
                isSorted = isSorted && elements[end - 1].combiningClass <= elements[end].combiningClass
                end += 1
            }
            if !isSorted {
                let sorted = elements[index..<end].enumerated().sorted {
                    ($0.element.combiningClass, $0.offset) < ($1.element.combiningClass, $1.offset)
                }
                elements.replaceSubrange(index..<end, with: sorted.map(\.element))
            }
            index = end
        }
    }

    private func compose(_ elements: inout [Element]) {
        var starter: Int?
        var count = 0
        /// The class of the last mark kept since the starter; nil if none is.
        var previousClass: UInt32?
        for index in elements.indices {
            let element = elements[index]
            let isBlocked = previousClass.map { $0 >= element.combiningClass } ?? false
            if let starter, !isBlocked, let composite = composition(elements[starter].scalar, element.scalar) {
                elements[starter].scalar = composite
                continue
            }
            if element.combiningClass == 0 {
                starter = count
                previousClass = nil
            } else {
                previousClass = element.combiningClass
            }
            elements[count] = element
            count += 1
        }
        elements.removeSubrange(count...)
    }

    private func composition(_ first: UInt32, _ second: UInt32) -> UInt32? {
        if first >= Hangul.leads, first - Hangul.leads < Hangul.leadCount, second >= Hangul.vowels,
            second - Hangul.vowels < Hangul.vowelCount
        {
            let syllable = (first - Hangul.leads) * Hangul.vowelCount + second - Hangul.vowels
            return Hangul.syllables + syllable * Hangul.tailCount
        }
        if first >= Hangul.syllables, case let index = first - Hangul.syllables, index < Hangul.syllableCount,
            index % Hangul.tailCount == 0, second > Hangul.tails, second - Hangul.tails < Hangul.tailCount
        {
            return first + second - Hangul.tails
        }
        guard classes[second].isUnnormalized,
            let row = compositions.row(of: UInt64(first) << 24 | UInt64(second), keyLength: 8, rowLength: 13),
            knowsNewer || compositions.number(at: row + 12, count: 1) == 0
        else { return nil }
        return compositions.number(at: row + 8, count: 4)
    }
}
