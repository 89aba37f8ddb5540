import CLIP
import CLIPAssistant
import CLIPOptions
import CLIPSystem
import PictureCollections

struct Assist: Command {
    static let table = CommandTable(
        "mcp",
        abstract: "Let an assistant search the pictures of an index (Model Context Protocol).",
        discussion: [
            """
            Speaks the protocol on standard input and output, which the assistant's program starts; nobody types here. Its \
            tools search by text and by picture, find similar pictures, classify, show pictures and describe the index.
            """,
            """
            The assistant can change nothing, and sees nothing but the pictures of the index: other paths are refused, and so \
            is a file that is no longer what was indexed. What it sees may leave this machine with it. The index may be \
            brought up to date meanwhile.
            """,
        ],
        positionals: [], options: [IndexChoice.index], ModelChoice.options, ResultOptions.messages,
        examples: [
            .init("clip mcp --index photos", "What to enter as the command of a server in the assistant's settings.")
        ])

    private let path: PathBytes
    private let model: ModelChoice
    private let outputs: OutputFiles

    init(_ arguments: inout Arguments) throws(UsageError) {
        path = IndexChoice.take(&arguments)
        model = ModelChoice(&arguments)
        outputs = arguments.outputs
    }

    func run(_ console: Console) throws {
        let index = try IndexChoice.open(path, outputs, console)
        let model = try model.load(of: index, console, answers: false)
        let server = AssistantServer(
            IndexTools(path: path, model: model), version: PackageVersion.text
        ) { line throws(CLIPError) in
            let output = try Output(path: nil)
            try output.write(line)
            try output.finish()
        }
        try server.serve(STDIN_FILENO)
    }
}
