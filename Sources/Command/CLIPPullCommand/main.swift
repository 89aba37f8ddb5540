import CLIPHub
import Foundation
import CLIPSystem

// The half of `clip pull` that speaks to the network, a program of its own: Foundation's networking loads some 45 libraries,
// which would cost every start of `clip` more time than embedding a picture. `clip pull` runs it and shows what it says:
// one JSON object a line on standard output, `{"bytes", "of", "found", "note"}` while it works, and at the end what came, or
// `{"error"}`. Its standard input is a pipe that ends when `clip` does.

StandardDescriptors.fill()
var arguments = ProcessArguments.all.map { String(decoding: $0, as: UTF8.self) }[...]
let verifies = arguments.first == "--verify"
if verifies { arguments.removeFirst() }
guard let name = arguments.first, !name.hasPrefix("-") else {
    FileHandle.standardError.write(Data("clip-pull is run by \"clip pull\": see \"clip help pull\"\n".utf8))
    exit(64)
}
guard Watch.hasDescriptors else {
    EventLine.failure(
        "\(name): the system lets this program open too few files, expected \(Watch.leastDescriptors): raise the limit (ulimit -n)"
    ).write()
    exit(1)
}
guard Watch.begin(STDIN_FILENO) else {
    EventLine.failure("\(name): the system lets this program have no thread: \(Watch.noThreads)").write()
    exit(1)
}
if let lack = FoundationNeeds.lack {
    EventLine.failure("\(name): fetching \(lack)").write()
    exit(1)
}
TrustedCertificates.find()
let folders = FoundationFolders()
do {
    let pulled = try await HubClient().pull(name, files: Array(arguments.dropFirst()), verifiesCache: verifies) {
        EventLine($0).write()
    }
    folders.removeEmpty()
    EventLine(pulled).write()
} catch {
    folders.removeEmpty()
    EventLine(error).write()
    exit(1)
}
