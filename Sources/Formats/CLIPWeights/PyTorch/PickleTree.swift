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
    mutating func collect() throws(WeightsError) {
        try visit(root, name: "", depth: 0)
        guard !names.isEmpty else {
            throw WeightsError(
                path: path, problem: "holds no tensors by name: expected a state_dict or a TorchScript module")
        }
    }

    private mutating func visit(_ value: PickleValue, name: String, depth: Int) throws(WeightsError) {
        visits += 1
        guard depth <= PickleTree.deepest, visits <= PickleTree.mostVisits else {
            throw WeightsError(
                path: path,
                problem: "data.pkl nests deeper than \(PickleTree.deepest) dictionaries or holds more than "
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
