import Foundation

/// What the command line says.
struct Options {
    static let usage = """
        Usage: search-server INDEX [--model NAME] [--host ADDRESS] [--port PORT] [--name HOST]...

        A page and a JSON API to search the pictures of an index, which 'clip index' makes.

          INDEX           the index, or the folder that it is in
          --model NAME    the model that made it, where that has moved since: a file, a folder, or a name
          --host ADDRESS  where to listen (default: 127.0.0.1, which only this machine reaches)
          --port PORT     (default: 8080)
          --name HOST     a name that the server is known by, besides localhost
        """

    var index = URL(filePath: "")
    var model: String?
    var host = "127.0.0.1"
    var port = 8080
    var names: Set<String> = []

    struct Fault: Error {
        let message: String
    }

    init(_ arguments: some Sequence<String>) throws(Fault) {
        var rest = Array(arguments)[...]
        var place: String?
        func value(of option: String) throws(Fault) -> String {
            guard let value = rest.popFirst() else { throw Fault(message: "Missing value for '\(option)'.") }
            return value
        }
        while let word = rest.popFirst() {
            switch word {
            case "--model": model = try value(of: word)
            case "--host": host = try value(of: word)
            case "--name": names.insert(try value(of: word).lowercased())
            case "--port":
                let text = try value(of: word)
                guard let number = UInt16(text) else {
                    throw Fault(message: "'--port \(text)' is no port, expected 0 to 65535.")
                }
                port = Int(number)
            case _ where word.hasPrefix("-"): throw Fault(message: "Unknown option '\(word)'.")
            default:
                guard place == nil else { throw Fault(message: "Unexpected argument '\(word)': one index is served.") }
                place = word
            }
        }
        guard let place else { throw Fault(message: "Missing argument 'INDEX'.") }
        index = URL(filePath: place)
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: place, isDirectory: &isFolder), isFolder.boolValue {
            index = index.appending(path: ".clip-index")
        }
    }
}
