import CLIP
import Foundation
import Hummingbird
import Logging
import NIOCore

@main struct SearchServer {
    static func main() async {
        if CommandLine.arguments.dropFirst().contains(where: { ["-h", "--help"].contains($0) }) {
            return print(Options.usage)
        }
        do {
            let options = try Options(CommandLine.arguments.dropFirst())
            let library = try await withoutBlocking { try PictureLibrary(options.index, modelName: options.model) }
            let application = Application(
                router: makeRouter(library, names: options.names),
                configuration: .init(address: .hostname(options.host, port: options.port)),
                onServerRunning: { channel in
                    let port = channel.localAddress?.port ?? options.port
                    say(
                        "http://localhost:\(port) searches \((try? library.index().count) ?? 0) pictures; Ctrl-C ends it"
                    )
                }, logger: quietLogger)
            try await application.runService()
        } catch let fault as Options.Fault {
            say("search-server: \(fault.message)\n\n\(Options.usage)")
            exit(64)
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            say("search-server: another program listens at that port: --port names another")
            exit(1)
        } catch let error as CLIPError where error.kind == .index {
            say("search-server: \(error). 'clip index FOLDER' makes an index.")
            exit(1)
        } catch {
            say("search-server: \(error)")
            exit(1)
        }
    }

    /// Errors alone.
    private static var quietLogger: Logger {
        var logger = Logger(label: "search-server")
        logger.logLevel = .error
        return logger
    }

    private static func say(_ line: String) { FileHandle.standardError.write(Data((line + "\n").utf8)) }
}
