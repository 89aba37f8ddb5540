internal import CLIPSystem

/// Reads a pickle as data: an interpreter of the opcodes that containers, numbers, texts and tensors are made of, and of
/// no others. Nothing that a file names is looked up or run.
///
/// Opcodes: CPython, Lib/pickletools.py. Memory is bounded by the pickle's own size: an opcode makes at most one value
/// from at least one byte, and lengths are checked before anything is allocated.
struct PickleReader {
    /// Real ones have a few hundred kilobytes.
    static let largest = 32 << 20
    private static let mostObjects = 2 << 20
    private static let mostValues = 8 << 20

    private(set) var objects: [PickleObject] = []
    private(set) var storages: [PickleStorage] = []
    private(set) var tensors: [PickleTensor] = []
    private var cursor: ByteCursor
    private var stack: [PickleValue] = []
    private var marks: [Int] = []
    private var memo: [UInt32: PickleValue] = [:]
    private var place = 0

    init(_ bytes: UnsafeRawBufferPointer, path: String, part: String) throws(CLIPError) {
        guard bytes.count <= PickleReader.largest else {
            throw CLIPError(
                .model, path: path, "\(part) has \(bytes.count) bytes, expected at most \(PickleReader.largest)")
        }
        cursor = ByteCursor(bytes, path: path, part: part)
    }

    /// Runs to the end.
    /// - Returns: what the pickle stands for.
    /// - Throws: if it is damaged, or holds anything but data.
    mutating func read() throws(CLIPError) -> PickleValue {
        while true {
            place = cursor.position
            let code = try cursor.byte()
            if code == UInt8(ascii: ".") { return try pop() }
            try run(code)
            guard stack.count <= PickleReader.mostValues, objects.count <= PickleReader.mostObjects else {
                throw fault("holds more than weights ever do")
            }
        }
    }

    private mutating func run(_ code: UInt8) throws(CLIPError) {
        switch code {
        case 0x80: _ = try cursor.byte()
        case 0x95: _ = try cursor.slice(8)
        case UInt8(ascii: "("): marks.append(stack.count)
        case UInt8(ascii: "0"): _ = try pop()
        case UInt8(ascii: "1"): _ = try popToMark()
        case UInt8(ascii: "2"): stack.append(try top())
        case UInt8(ascii: "N"): stack.append(.none)
        case 0x88: stack.append(.bool(true))
        case 0x89: stack.append(.bool(false))
        case UInt8(ascii: "J"): stack.append(.int(Int(try cursor.integer(Int32.self))))
        case UInt8(ascii: "K"): stack.append(.int(Int(try cursor.byte())))
        case UInt8(ascii: "M"): stack.append(.int(Int(try cursor.integer(UInt16.self))))
        case 0x8A: stack.append(try long(Int(try cursor.byte())))
        case 0x8B: stack.append(try long(try cursor.count(Int32.self)))
        case UInt8(ascii: "G"):
            stack.append(.float(Double(bitPattern: try cursor.integer(UInt64.self).byteSwapped)))
        case UInt8(ascii: "I"), UInt8(ascii: "L"): stack.append(try decimal())
        case UInt8(ascii: "F"):
            guard let number = Double(try cursor.line()) else { throw fault("expected a number") }
            stack.append(.float(number))
        case UInt8(ascii: "X"), UInt8(ascii: "T"): stack.append(.string(try cursor.text(cursor.count(UInt32.self))))
        case 0x8C, UInt8(ascii: "U"): stack.append(.string(try cursor.text(Int(cursor.byte()))))
        case 0x8D: stack.append(.string(try cursor.text(cursor.count(UInt64.self))))
        case UInt8(ascii: "V"): stack.append(.string(try cursor.line()))
        case UInt8(ascii: "C"): try skip(Int(cursor.byte()))
        case UInt8(ascii: "B"): try skip(cursor.count(UInt32.self))
        case 0x8E, 0x96: try skip(cursor.count(UInt64.self))
        case UInt8(ascii: ")"): try push(.tuple, [])
        case 0x85: try push(.tuple, try pop(1))
        case 0x86: try push(.tuple, try pop(2))
        case 0x87: try push(.tuple, try pop(3))
        case UInt8(ascii: "t"): try push(.tuple, try popToMark())
        case UInt8(ascii: "]"), 0x8F: try push(.list, [])
        case UInt8(ascii: "l"), 0x91: try push(.list, try popToMark())
        case UInt8(ascii: "a"): try extend(.list, by: try pop(1))
        case UInt8(ascii: "e"), 0x90: try extend(.list, by: try popToMark())
        case UInt8(ascii: "}"): try push(.dictionary, [])
        case UInt8(ascii: "d"): try push(.dictionary, try popToMark())
        case UInt8(ascii: "s"): try extend(.dictionary, by: try pop(2))
        case UInt8(ascii: "u"): try extend(.dictionary, by: try popToMark())
        case UInt8(ascii: "c"): try pushGlobal(module: try cursor.line(), name: try cursor.line())
        case 0x93: try pushStackGlobal()
        case UInt8(ascii: "Q"): try pushStorage()
        case UInt8(ascii: "R"), 0x81: try call()
        case UInt8(ascii: "b"): try build()
        case UInt8(ascii: "q"): memo[UInt32(try cursor.byte())] = try top()
        case UInt8(ascii: "r"): memo[try cursor.integer(UInt32.self)] = try top()
        case UInt8(ascii: "p"): memo[try memoIndex()] = try top()
        case 0x94: memo[UInt32(truncatingIfNeeded: memo.count)] = try top()
        case UInt8(ascii: "h"): try recall(UInt32(try cursor.byte()))
        case UInt8(ascii: "j"): try recall(try cursor.integer(UInt32.self))
        case UInt8(ascii: "g"): try recall(try memoIndex())
        default:
            throw fault("opcode 0x\(String(code, radix: 16)) is none that weights need: it is damaged or hostile")
        }
    }

    // MARK: The stack

    private func top() throws(CLIPError) -> PickleValue {
        guard let value = stack.last, stack.count > marks.last ?? 0 else { throw fault("the stack is empty") }
        return value
    }

    private mutating func pop() throws(CLIPError) -> PickleValue {
        let value = try top()
        stack.removeLast()
        return value
    }

    private mutating func pop(_ count: Int) throws(CLIPError) -> [PickleValue] {
        guard stack.count - (marks.last ?? 0) >= count else { throw fault("the stack is empty") }
        defer { stack.removeLast(count) }
        return Array(stack.suffix(count))
    }

    private mutating func popToMark() throws(CLIPError) -> [PickleValue] {
        guard let mark = marks.popLast() else { throw fault("there is no mark") }
        defer { stack.removeLast(stack.count - mark) }
        return Array(stack[mark...])
    }

    private mutating func push(_ kind: PickleObject.Kind, _ items: [PickleValue]) throws(CLIPError) {
        guard kind != .dictionary || items.count.isMultiple(of: 2) else { throw fault("a key without a value") }
        stack.append(.object(objects.count))
        objects.append(PickleObject(kind: kind, items: items))
    }

    private mutating func extend(_ kind: PickleObject.Kind, by items: [PickleValue]) throws(CLIPError) {
        guard kind != .dictionary || items.count.isMultiple(of: 2) else { throw fault("a key without a value") }
        switch try top() {
        case .object(let index) where objects[index].kind == kind: objects[index].items += items
        case .opaque: break
        default: throw fault("there is nothing to add to")
        }
    }

    private mutating func recall(_ index: UInt32) throws(CLIPError) {
        guard let value = memo[index] else { throw fault("nothing is remembered as \(index)") }
        stack.append(value)
    }

    private mutating func memoIndex() throws(CLIPError) -> UInt32 {
        guard let index = UInt32(try cursor.line()) else { throw fault("expected a number") }
        return index
    }

    private mutating func skip(_ count: Int) throws(CLIPError) {
        _ = try cursor.slice(count)
        stack.append(.opaque)
    }

    // MARK: Numbers

    /// A little-endian number of any length in two's complement. Those of more than 64 bits are seeds, never sizes.
    private mutating func long(_ count: Int) throws(CLIPError) -> PickleValue {
        let bytes = try cursor.slice(count)
        guard count <= 8 else { return .opaque }
        let isNegative = bytes.last.map { $0 >= 0x80 } ?? false
        var number: UInt64 = isNegative ? .max : 0
        for byte in bytes.reversed() { number = number << 8 | UInt64(byte) }
        return .int(Int(Int64(bitPattern: number)))
    }

    private mutating func decimal() throws(CLIPError) -> PickleValue {
        let line = try cursor.line()
        if line == "00" || line == "01" { return .bool(line == "01") }
        guard let number = Int(line.hasSuffix("L") ? String(line.dropLast()) : line) else {
            throw fault("expected a whole number")
        }
        return .int(number)
    }

    // MARK: Classes, functions, tensors

    private mutating func pushStackGlobal() throws(CLIPError) {
        let names = try pop(2)
        guard case .string(let module) = names[0], case .string(let name) = names[1] else {
            throw fault("a class without a name")
        }
        try pushGlobal(module: module, name: name)
    }

    private mutating func pushGlobal(module: String, name: String) throws(CLIPError) {
        guard let global = PickleGlobal(module: module, name: name) else {
            throw fault(
                "names \(quoted("\(module).\(name)")), which is no tensor and no plain container. Nothing was run. "
                    + "If you trust the file, load it in PyTorch and save its state_dict as safetensors")
        }
        stack.append(.global(global))
    }

    /// A persistent identifier, `("storage", class, key, device, count)`.
    private mutating func pushStorage() throws(CLIPError) {
        let fields = try items(of: try pop(), .tuple)
        guard fields.count == 5, case .string("storage") = fields[0], case .string(let key) = fields[2],
            case .int(let count) = fields[4], count >= 0
        else { throw fault("a reference to something that is not a storage") }
        guard case .global(.storage(let type)) = fields[1] else { throw fault("a storage of an unknown class") }
        stack.append(.storage(storages.count))
        storages.append(PickleStorage(type: type, key: key, count: count))
    }

    private func items(of value: PickleValue, _ kind: PickleObject.Kind) throws(CLIPError) -> [PickleValue] {
        guard case .object(let index) = value, objects[index].kind == kind else { throw fault("expected a \(kind)") }
        return objects[index].items
    }

    /// What a class or function would make of its arguments.
    private mutating func call() throws(CLIPError) {
        let operands = try pop(2)
        let arguments = try items(of: operands[1], .tuple)
        guard case .global(let global) = operands[0] else { throw fault("calls something that is not a function") }
        switch global {
        case .orderedDictionary:
            var pairs: [PickleValue] = []
            if let list = arguments.first {
                for pair in try items(of: list, .list) {
                    let kind: PickleObject.Kind =
                        if case .object(let index) = pair { objects[index].kind } else { .tuple }
                    let items = try items(of: pair, kind)
                    guard items.count == 2 else { throw fault("a dictionary of something else than pairs") }
                    pairs += items
                }
            }
            try push(.dictionary, pairs)
        case .rebuildTensor: try pushTensor(arguments)
        case .rebuildParameter, .identity: stack.append(arguments.first ?? .none)
        case .scriptClass: try push(.instance, [])
        case .storage, .opaque: stack.append(.opaque)
        }
    }

    private mutating func pushTensor(_ arguments: [PickleValue]) throws(CLIPError) {
        guard arguments.count >= 4, case .storage(let storage) = arguments[0], case .int(let offset) = arguments[1]
        else {
            throw fault("a tensor without a storage")
        }
        let shape = try wholeNumbers(arguments[2])
        let strides = try wholeNumbers(arguments[3])
        guard shape.count == strides.count, shape.count <= 16, offset >= 0 else {
            throw fault("a tensor of shape \(shape.prefix(8)) with strides \(strides.prefix(8)) at \(offset)")
        }
        stack.append(.tensor(tensors.count))
        // The step along an extent of one is never taken, and may be any number.
        tensors.append(
            PickleTensor(
                storage: storages[storage], offset: offset, shape: shape,
                strides: zip(shape, strides).map { $0 > 1 ? $1 : 0 }))
    }

    /// A tuple of whole numbers from 0.
    private func wholeNumbers(_ value: PickleValue) throws(CLIPError) -> [Int] {
        var numbers: [Int] = []
        for item in try items(of: value, .tuple) {
            guard case .int(let number) = item, number >= 0 else { throw fault("expected sizes, found something else") }
            numbers.append(number)
        }
        return numbers
    }

    /// Gives an instance its state. Dictionaries and tensors have some too, which are no weights.
    private mutating func build() throws(CLIPError) {
        let state = try pop()
        if case .object(let index) = try top(), objects[index].kind == .instance { objects[index].items = [state] }
    }

    private func fault(_ problem: String) -> CLIPError { cursor.fault(problem, at: place) }
}

/// What a pickle puts on its stack. Containers and tensors are indices: nothing that a file builds can nest, or refer
/// to itself, in a way that costs the stack of this program.
enum PickleValue: Sendable {
    case none
    case bool(Bool)
    case int(Int)
    case float(Double)
    case string(String)
    /// A class or function that is on the list.
    case global(PickleGlobal)
    case object(Int)
    case storage(Int)
    case tensor(Int)
    /// Something that is no part of any weights.
    case opaque
}

/// A tuple, list, dictionary or class instance.
struct PickleObject: Sendable {
    enum Kind: Sendable { case tuple, list, dictionary, instance }

    let kind: Kind
    /// The elements; keys and values in turn; or the instance's state, once it is there.
    var items: [PickleValue]
}

/// What a tensor's numbers lie in: one entry of the archive.
struct PickleStorage: Sendable {
    let type: PickleStorageType
    let key: String
    /// The number of elements.
    let count: Int
}

/// A view of a storage, in elements.
struct PickleTensor: Sendable {
    let storage: PickleStorage
    let offset: Int
    let shape: [Int]
    let strides: [Int]
}

/// How a storage's elements are stored.
enum PickleStorageType: Sendable, Equatable {
    case known(ElementType)
    /// One that weights are not made of, by its name.
    case other(String)

    init?(className: String) {
        switch className {
        case "FloatStorage": self = .known(.f32)
        case "HalfStorage": self = .known(.f16)
        case "BFloat16Storage": self = .known(.bf16)
        case "DoubleStorage": self = .known(.f64)
        case "LongStorage": self = .known(.i64)
        case "IntStorage": self = .known(.i32)
        case "ShortStorage": self = .known(.i16)
        case "CharStorage": self = .known(.i8)
        case "ByteStorage", "UntypedStorage": self = .known(.u8)
        case "BoolStorage": self = .known(.bool)
        case "ComplexFloatStorage", "ComplexDoubleStorage", "QInt8Storage", "QUInt8Storage", "QInt32Storage":
            self = .other(className)
        default: return nil
        }
    }
}

/// The classes and functions that a pickle may name. Nothing is ever called: each stands for what it would have made.
enum PickleGlobal: Sendable, Equatable {
    case orderedDictionary
    /// `torch._utils._rebuild_tensor_v2` and the older form without hooks.
    case rebuildTensor
    case rebuildParameter
    case storage(PickleStorageType)
    /// `torch.jit._pickle.restore_type_tag` and `build_…list`: their first argument is the value.
    case identity
    /// A class of a TorchScript archive: an object of attributes.
    case scriptClass
    /// Names of types and counters in training checkpoints.
    case opaque

    init?(module: String, name: String) {
        switch (module, name) {
        case ("collections", "OrderedDict"): self = .orderedDictionary
        case ("torch._utils", "_rebuild_tensor_v2"), ("torch._utils", "_rebuild_tensor"): self = .rebuildTensor
        case ("torch._utils", "_rebuild_parameter"), ("torch._utils", "_rebuild_parameter_with_state"):
            self = .rebuildParameter
        case ("torch.jit._pickle", "restore_type_tag"), ("torch.jit._pickle", "build_tensorlist"),
            ("torch.jit._pickle", "build_intlist"), ("torch.jit._pickle", "build_boollist"),
            ("torch.jit._pickle", "build_doublelist"), ("torch.jit._pickle", "build_tensor_from_id"):
            self = .identity
        case ("torch", _), ("torch.storage", _):
            if let type = PickleStorageType(className: name) {
                self = .storage(type)
            } else if PickleGlobal.torchNames.contains(name) {
                self = .opaque
            } else {
                return nil
            }
        case ("collections", "defaultdict"), ("collections", "Counter"), ("builtins", "dict"), ("builtins", "set"),
            ("argparse", "Namespace"), ("_codecs", "encode"), ("numpy", "dtype"),
            ("numpy.core.multiarray", "scalar"), ("numpy._core.multiarray", "scalar"):
            self = .opaque
        default:
            guard module.hasPrefix("__torch__") else { return nil }
            self = .scriptClass
        }
    }

    private static let torchNames: Set<String> = [
        "Size", "device", "float32", "float16", "bfloat16", "float64", "int64", "int32", "int16", "int8", "uint8",
        "bool",
    ]
}

/// The tensors that a pickle's value holds, by their path from the root.
struct PickleTree {
    private static let deepest = 32
    private static let mostVisits = 1 << 17

    private(set) var tensors: [String: PickleTensor] = [:]
    private(set) var names: [String] = []
    private let root: PickleValue
    private let reader: PickleReader
    private let path: String
    private var visits = 0

    init(_ root: PickleValue, _ reader: PickleReader, path: String) {
        self.root = root
        self.reader = reader
        self.path = path
    }

    /// - Throws: if dictionaries nest without end, or there are no tensors.
    mutating func collect() throws(CLIPError) {
        try visit(root, name: "", depth: 0)
        guard !names.isEmpty else {
            throw CLIPError(
                .model, path: path, "holds no tensors by name: expected a state_dict or a TorchScript module")
        }
    }

    private mutating func visit(_ value: PickleValue, name: String, depth: Int) throws(CLIPError) {
        visits += 1
        guard depth <= PickleTree.deepest, visits <= PickleTree.mostVisits else {
            throw CLIPError(
                .model, path: path,
                "data.pkl nests deeper than \(PickleTree.deepest) dictionaries or holds more than "
                    + "\(PickleTree.mostVisits) names: it is damaged or hostile")
        }
        switch value {
        case .tensor(let index):
            // A later key wins, as in a Python dictionary.
            if tensors.updateValue(reader.tensors[index], forKey: name) == nil { names.append(name) }
        case .object(let index):
            let object = reader.objects[index]
            switch object.kind {
            case .instance:
                if let state = object.items.first { try visit(state, name: name, depth: depth + 1) }
            case .dictionary:
                for place in stride(from: 0, to: object.items.count - 1, by: 2) {
                    let key: String
                    switch object.items[place] {
                    case .string(let text): key = text
                    case .int(let number): key = "\(number)"
                    default: continue
                    }
                    guard name.utf8.count + key.utf8.count < 1024 else { continue }
                    try visit(
                        object.items[place + 1], name: name.isEmpty ? key : "\(name).\(key)", depth: depth + 1)
                }
            case .tuple, .list: break
            }
        default: break
        }
    }
}
