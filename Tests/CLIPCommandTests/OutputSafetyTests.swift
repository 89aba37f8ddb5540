import CLIPTestSupport
import Foundation
import Testing

/// What is written never takes the place of something that would be missed.
@Suite struct OutputSafetyTests {
    private func clip(_ arguments: String..., in folder: TemporaryFolder) throws -> ClipProcess {
        try ClipProcess.run(
            ClipProcess.path, arguments, in: folder.path, environment: ["CLIP_MODEL": Fixtures.model])
    }

    private func pictures() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        try folder.copyPicture("blocks.png", to: "in/a.png")
        try folder.copyPicture("waves.png", to: "in/b.png")
        try folder.copyPicture("ring_grey.png", to: "other.png")
        return folder
    }

    /// Command lines with `%` where the output goes, which is an input too.
    @Test func `What would fail is not advised`() throws {
        let folder = try TemporaryFolder()
        _ = try ClipProcess.run("pack", Fixtures.model, "-o", "m.clip", in: folder.path)
        let named = try ClipProcess.run("embed-text", "a", "-o", "m.clip", "--model", Fixtures.model, in: folder.path)
        #expect(named.status == 64 && named.errors.contains("is named like clip"))
        #expect(!named.errors.contains("--overwrite"))
        let arguments = ["embed-text", "a", "-o", "m.clip", "--format", "jsonl", "--model", Fixtures.model]
        let told = try ClipProcess.run(ClipProcess.path, arguments, in: folder.path)
        #expect(told.status == 64 && told.errors.contains("or say '--overwrite'"))
        #expect(try ClipProcess.run(ClipProcess.path, arguments + ["--overwrite"], in: folder.path).status == 0)
    }

    @Test(arguments: [
        "embed-image in/b.png in/a.png --format jsonl -o %", "embed-image in --format npy -o % --overwrite",
        "classify in/a.png --labels dog,cat --format csv -o %", "preprocess in/a.png -o %",
        "preprocess in/a.png --format npy -o %", "explain in/a.png dog -o %",
        "similarity in/a.png dog --format csv -o %",
        "score in/a.png dog --format csv -o % --overwrite", "score --pairs pairs --format csv -o % --overwrite",
        "filter --pairs pairs -o % --overwrite", "compare in in2 --format json -o % --overwrite",
        "embed-image --files-from list --format csv -o % --overwrite", "audit in --labels dog,cat --html % --overwrite",
        "search --image in/a.png --index in --format csv -o % --overwrite",
        "dedupe --index in --format csv -o % --overwrite", "outliers in --html % --overwrite",
    ])
    func `An output that is an input is refused by whatever name`(line: String) throws {
        let folder = try pictures()
        try folder.copyPicture("waves.png", to: "in2/b.png")
        try folder.copyPicture("blocks.png", to: "in2/c.png")
        try folder.write("in/b.png\nin/a.png\n", to: "list")
        try folder.write("in/b.png\tdog\nin/a.png\tdog\n", to: "pairs")
        #expect(try clip("index", "in", in: folder).status == 0)
        let before = try folder.data("in/a.png")
        // Hard and symbolic links are other names of the same file.
        try FileManager.default.linkItem(atPath: folder["in/a.png"], toPath: folder["hard"])
        try FileManager.default.createSymbolicLink(atPath: folder["soft"], withDestinationPath: "in/a.png")
        for name in ["in/a.png", "hard", "soft"] {
            let words = line.split(separator: " ").map { $0 == "%" ? name : String($0) }
            let result = try ClipProcess.run(
                ClipProcess.path, words, in: folder.path, environment: ["CLIP_MODEL": Fixtures.model])
            #expect(
                [1, 64].contains(result.status) && result.errors.contains(name.suffix(5)), "\(words): \(result.errors)")
            #expect(try folder.data("in/a.png") == before, "\(words)")
        }
    }

    @Test(arguments: [
        ("preprocess - -o %", "in/a.png"), ("explain - dog -o %", "in/a.png"),
        ("similarity image:- dog --format csv -o % --overwrite", "in/a.png"),
        ("similarity image:in/a.png dog --format csv -o % --overwrite", "in/a.png"),
        ("similarity dog image:in/a.png --format csv -o % --overwrite", "in/a.png"),
        ("embed-text --file - -o %", "texts.txt"), ("search --file - --index in -o %", "texts.txt"),
        ("classify --files-from - --labels dog,cat -o %", "list.jsonl"), ("score --pairs - -o %", "pairs.txt"),
        ("filter --pairs - -o %", "pairs.txt"),
    ])
    func `Standard input and pictures behind a prefix are inputs`(line: String, name: String) throws {
        let folder = try pictures()
        try folder.write("a dog\n", to: "texts.txt")
        try folder.write("in/a.png\n", to: "list.jsonl")
        try folder.write("in/a.png\ta dog\n", to: "pairs.txt")
        #expect(try clip("index", "in", in: folder).status == 0)
        let before = try folder.data(name)
        try FileManager.default.linkItem(atPath: folder[name], toPath: folder["hard"])
        for target in [name, "hard"] {
            let call = line.replacing("%", with: target)
            let result = try ClipProcess.bash(
                "$clip \(call) < \(name)", in: folder.path, environment: ["CLIP_MODEL": Fixtures.model])
            #expect(result.status == 64 && result.errors.contains("is also an input"), "\(call): \(result.errors)")
            #expect(try folder.data(name) == before, "\(call)")
        }
        // Another file is none.
        try folder.write("", to: "other.txt")
        let other = try ClipProcess.bash(
            "$clip embed-text --file - -o other.txt < texts.txt", in: folder.path,
            environment: ["CLIP_MODEL": Fixtures.model])
        #expect(try other.status == 0 && !folder.data("other.txt").isEmpty)
        #expect(try clip("similarity", "-", "image:-", in: folder).errors.contains("named 2 times"))
    }

    @Test(arguments: ["embed-image in/a.png", "classify in --labels dog,cat", "embed-image --files-from list.txt"])
    func `Standard output is never a file that is read`(call: String) throws {
        let folder = try pictures()
        try folder.write("in/a.png\n", to: "list.txt")
        let before = try folder.data("in/a.png")
        let result = try ClipProcess.bash(
            "$clip \(call) >> in/a.png", in: folder.path, environment: ["CLIP_MODEL": Fixtures.model])
        #expect([1, 64].contains(result.status) && result.errors.contains("standard output is also an input"))
        #expect(try folder.data("in/a.png") == before, "\(result.errors)")
    }

    @Test(arguments: ["dedupe", "outliers", "cluster"])
    func `Results never take the place of the index that they are of`(command: String) throws {
        let folder = try pictures()
        for arguments in [
            ["in", "--format", "json", "-o", "in/.clip-index"],
            ["in", "--format", "json", "-o", "./in/../in/.clip-index", "--overwrite"],
            ["in", "--index", "x.json", "-o", "x.json"], ["in", "--index", "x.html", "--html", "./x.html"],
        ] {
            let result = try ClipProcess.run(
                ClipProcess.path, [command] + arguments, in: folder.path, environment: ["CLIP_MODEL": Fixtures.model])
            #expect(result.status == 64 && result.errors.contains("is the index itself"), "\(result.errors)")
            #expect(try folder.contents() == ["in", "other.png"])
        }
        let other = try clip(command, "in", "--index", "x.index", "-o", "x.json", in: folder)
        #expect(try other.status == 0 && folder.contents() == ["in", "other.png", "x.index", "x.json"])
    }

    #if os(Linux)
    @Test func `What was moved is said where nothing could be written of it`() throws {
        let folder = try pictures()
        for name in ["c", "d"] { try folder.copyPicture("blocks.png", to: "in/\(name).png") }
        #expect(try clip("index", "in", in: folder).status == 0)
        let full = try clip(
            "dedupe", "--index", "in", "--exact", "--move-to", "aside", "-o", "/dev/full", "--format", "json",
            in: folder)
        #expect(full.status == 1 && full.errors.contains("2 pictures were moved to aside, nothing was written of it"))
        // A page that fails leaves the records.
        for name in ["c", "d"] { try folder.copyPicture("blocks.png", to: "in/\(name).png") }
        try FileManager.default.createSymbolicLink(atPath: folder["page.html"], withDestinationPath: "/dev/full")
        let page = try clip(
            "dedupe", "--index", "in", "--exact", "--move-to", "again", "-o", "plan.json", "--html", "page.html",
            in: folder)
        #expect(page.status == 1 && !page.errors.contains("moved to"), "\(page.errors)")
        #expect(try (JSONSerialization.jsonObject(with: folder.data("plan.json")) as? [Any])?.count == 2)
    }

    @Test func `An interrupted move says how many were moved`() throws {
        let folder = try pictures()
        for index in 0..<500 { try folder.copyPicture("waves.png", to: "in/more/\(index).png") }
        #expect(try clip("index", "in", in: folder).status == 0)
        let result = try ClipProcess.bash(
            """
            set -m
            $clip dedupe --index in --exact --move-to aside -o plan.json & one=$!
            while [ ! -e aside ]; do :; done
            kill -TERM $one; wait $one; echo $?
            """, in: folder.path, environment: ["CLIP_MODEL": Fixtures.model])
        // It had ended before.
        guard result.lines.last != "0" else { return }
        let moved = FileManager.default.enumerator(atPath: folder["aside"])?.count {
            ($0 as? String)?.hasSuffix(".png") == true
        }
        let said = result.errors.firstMatch(of: /interrupted: (\d+) pictures? (was|were) moved to aside, nothing/)
        let count = said.flatMap { Int($0.1) } ?? 0
        // The last of them may have been moved, but not counted.
        #expect(result.lines.last == "143" && (count...count + 1).contains(moved ?? -1), "\(result.errors)")
        #expect(try !folder.contents().contains("plan.json"))
    }
    #endif

    @Test func `What is moved goes where the next run doesn't search`() throws {
        let folder = try pictures()
        try folder.copyPicture("blocks.png", to: "in/c.png")
        for target in ["in/dups", "in", "./in/dups/", "in/../in/new/./deep"] {
            let result = try clip("dedupe", "in", "--move-to", target, in: folder)
            #expect(result.status == 64 && result.errors.contains("is inside the folder"), "\(result.errors)")
        }
        #expect(try !folder.contents().contains("dups"))
        #expect(try clip("dedupe", "in", "--exact", "--move-to", "in/.dups", in: folder).lines.count == 1)
        #expect(try clip("dedupe", "in", "--exact", "--move-to", "in/.dups", in: folder).lines.isEmpty)
    }

    @Test func `Lists, models and indexes are inputs too`() throws {
        let folder = try pictures()
        try folder.write("in/a.png\n", to: "list.txt")
        for (source, name) in try FileManager.default.contentsOfDirectory(atPath: Fixtures.model).map({
            (Fixtures.model + "/" + $0, "model/" + $0)
        }) {
            try folder.write(Data(contentsOf: URL(filePath: source)), to: name)
        }
        #expect(try clip("index", "in", in: folder).status == 0)
        let config = try folder.data("model/config.json")
        for arguments in [
            ["embed-image", "--files-from", "list.txt", "-o", "list.txt"],
            ["embed-text", "a", "--model", "model", "-o", "model/config.json"],
            ["pack", "model", "-o", "model/model.safetensors"],
            ["vectors", "--index", "in", "--format", "csv", "-o", "in/.clip-index", "--overwrite"],
            ["embed-image", "in", "-o", "x.npy", "--files-from", "x.npy.json"],
            ["search", "a", "--index", "in", "-o", "x.html", "--format", "csv", "--html", "./x.html"],
        ] {
            try folder.write("{}", to: "x.npy.json")
            let result = try ClipProcess.run(
                ClipProcess.path, arguments, in: folder.path, environment: ["CLIP_MODEL": Fixtures.model])
            #expect([1, 64].contains(result.status), "\(arguments): \(result.errors)")
            #expect(try !folder.contents().contains("x.html"))
        }
        #expect(try folder.text("list.txt") == "in/a.png\n" && folder.data("model/config.json") == config)
        #expect(try clip("index", "--verify", "in", in: folder).record["intact"] as? Bool == true)
    }

    @Test func `A picture or a model that stands there goes only when that is said`() throws {
        let folder = try pictures()
        let other = try folder.data("other.png")
        let pack = try clip("pack", Fixtures.model, "-o", "m.clip", in: folder)
        #expect(pack.status == 0)
        for target in ["other.png", "m.clip"] {
            let before = try folder.data(target)
            let refused = try clip("embed-text", "a", "--format", "csv", "-o", target, in: folder)
            #expect(refused.status == 64 && refused.errors.contains(target) && refused.errors.contains("--overwrite"))
            #expect(try folder.data(target) == before)
            let told = try clip("embed-text", "a", "--format", "csv", "-o", target, "--overwrite", in: folder)
            #expect(try told.status == 0 && folder.text(target).hasPrefix("input,"))
        }
        // What a command writes it may write again.
        #expect(try clip("preprocess", "in/a.png", "-o", "seen.png", in: folder).status == 0)
        #expect(try clip("preprocess", "in/b.png", "-o", "seen.png", in: folder).status == 0)
        #expect(try clip("explain", "in/b.png", "a", "--cells", "1", "-o", "seen.png", in: folder).status == 0)
        // A picture of the user's own is another matter.
        try folder.copyPicture("waves.png", to: "mine.png")
        for command in [["preprocess", "in/a.png"], ["explain", "in/a.png", "a", "--cells", "1"]] {
            let mine = try folder.data("mine.png")
            let calls = [["-o", "mine.png"], ["-o", "mine.png", "--overwrite"]].map { command + $0 }
            let environment = ["CLIP_MODEL": Fixtures.model]
            let refused = try ClipProcess.run(ClipProcess.path, calls[0], in: folder.path, environment: environment)
            #expect(refused.status == 64 && refused.errors.contains("'--overwrite'"), "\(command): \(refused.errors)")
            #expect(try folder.data("mine.png") == mine)
            let told = try ClipProcess.run(ClipProcess.path, calls[1], in: folder.path, environment: environment)
            #expect(try told.status == 0 && folder.data("mine.png") != mine)
            try folder.copyPicture("waves.png", to: "mine.png")
        }
        #expect(try clip("pack", Fixtures.model, "-o", "n.clip", in: folder).status == 0)
        #expect(try clip("pack", Fixtures.model, "-o", "n.clip", in: folder).status == 0)
        try folder.write(other, to: "n.clip")
        #expect(try clip("pack", Fixtures.model, "-o", "n.clip", in: folder).status == 64)
        #expect(try clip("embed-text", "a", "-o", "rows.csv", in: folder).status == 0)
        #expect(try clip("embed-text", "b", "-o", "rows.csv", in: folder).status == 0)
    }

    @Test(arguments: ["parquet", "tsv", "pt", "html", "xlsx"])
    func `A name that promises another format is refused with those that are known`(ending: String) throws {
        let folder = try pictures()
        for arguments in [
            ["embed-text", "a"], ["classify", "in", "--labels", "a,b"], ["preprocess", "in/a.png"],
            ["explain", "in/a.png", "dog"], ["pack", Fixtures.model],
        ] {
            let result = try ClipProcess.run(
                ClipProcess.path, arguments + ["-o", "x." + ending], in: folder.path,
                environment: ["CLIP_MODEL": Fixtures.model])
            #expect(result.status == 64 && result.errors.contains("x.\(ending)"), "\(arguments): \(result.errors)")
            #expect(try folder.contents() == ["in", "other.png"])
        }
        let forced = try clip("embed-text", "a", "--format", "csv", "-o", "x." + ending, in: folder)
        #expect(forced.status == 0)
        #expect(try clip("embed-text", "a", "-o", "plain", in: folder).status == 0)
        #expect(try clip("embed-text", "a", "-o", "x.ndjson", in: folder).status == 0)
    }

    @Test func `Descriptors that are closed take no part in files`() throws {
        let folder = try pictures()
        try folder.write("bad", to: "in/bad.png")
        let call = "$clip embed-image in --model '\(Fixtures.model)'"
        #expect(try ClipProcess.bash("\(call) -o right.npy", in: folder.path).status == 1)
        for closed in ["2>&-", "2>&- <&-", "2>&- <&- >&-"] {
            let result = try ClipProcess.bash("\(call) -o x.npy \(closed)", in: folder.path)
            #expect(try result.status == 1 && folder.data("x.npy") == folder.data("right.npy"), "\(closed)")
        }
        // What can't be read or written is still an error.
        #expect(try ClipProcess.bash("\(call) >&-", in: folder.path).errors.contains("standard output"))
        let input = try ClipProcess.bash("$clip embed-text --file - --model '\(Fixtures.model)' <&-", in: folder.path)
        #expect(input.status == 1 && input.errors.contains("standard input"))
    }

    #if os(Linux)
    @Test func `Arguments come without proc, whatever their bytes`() throws {
        let folder = try pictures()
        // A mount of its own needs a user namespace, which not every system gives.
        let can = try ClipProcess.bash("unshare -rm true", in: folder.path).status == 0
        let without = can ? "unshare -rm bash -c 'mount -t tmpfs none /proc && \"$@\"' - " : ""
        let result = try ClipProcess.bash(
            "cp in/a.png $'\\xff.png' && \(without)$clip embed-image $'\\xff.png' in/b.png --threads 1 --model "
                + "'\(Fixtures.model)'", in: folder.path)
        #expect(result.status == 0 && result.lines.count == 2, "\(result.errors)")
        #expect(result.text.contains("\"embedding\""))
    }
    #endif
}
