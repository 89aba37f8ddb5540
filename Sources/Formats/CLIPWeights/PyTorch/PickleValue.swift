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
