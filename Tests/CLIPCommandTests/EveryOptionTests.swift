import CLIPOptions
import CLIPTestSupport
import Foundation
import Testing

@testable import CLIPCommand

/// Every option of every command changes what the command does, or is refused: an option that is passed over silently
/// would be taken for obeyed.
@Suite struct EveryOptionTests {
    /// What can't be seen in results: speed and memory, a lock that nobody holds, messages where there are none, libraries that aren't
    /// on every machine.
    private static let invisible: Set<String> = [
        "threads", "batch-size", "wait", "quiet", "system-decoders", "watch", "color",
    ]

    /// A way in which a command works, and command lines that show it: an option must have an effect on one of them, or
    /// be refused by all.
    private static let modes: [String: [[String]]] = [
        "embed-image": ["in", "in --files-from list"],
        "embed-text": ["dog %long", "--file texts"],
        "classify": [
            "in --labels dog,%long|in --labels dog,cat --keyword-threshold -1",
            "in --labels dog,%long --files-from list|in --labels dog,cat --keyword-threshold -1 --files-from list",
            "in --examples sets|in --examples sets --keyword-threshold -1",
            "in --examples labels.csv --labels bird,%long|in --examples labels.csv --labels bird,%long --keyword-threshold -1",
            "in --head head.safetensors|in --head head.safetensors --keyword-threshold -1",
        ],
        "similarity": ["%picture dog %long", "dog %long", "%picture in/a.png"],
        "score": ["%picture dog %long", "--pairs pairs.csv", "in --head head.safetensors"],
        "compare": ["in in2"],
        "explain": ["%picture %long --cells 1|in/a.png %long"],
        "audit": [
            "in --labels dog%bar,%long", "in --labels dog,%long --groups groups.csv --files-from list",
            "in --labels dog,%long --html page.html",
        ],
        "evaluate": [
            "sets", "sets --html page.html", "labels.csv --index in", "--pairs pairs.csv",
            "sets --head head.safetensors",
        ],
        // The second one is damaged, of the third the pictures are gone.
        "index": ["new|in3|emptied", "--status in", "--verify in", "--prune in|--prune emptied"],
        "search": [
            "dog %long --index in|sky --index in|tree --index in|dog --index stale --threshold 1",
            "--image in/a.png --index in|dog --index stale --threshold 1",
            "--file texts --index in|dog --index stale --threshold 1",
            "dog --minus %long --index in|dog --minus cat --index stale --threshold 1",
            "--image in/a.png --image in/turned.jpg --minus-image in/b.png --index in|dog --index stale --threshold 1",
            "dog %long --index in --html page.html|dog --index stale --threshold 1",
        ],
        "dedupe": [
            "--index in|--index in --exact", "in|in --exact", "--index in --exact --html page.html",
            "--apply plan.jsonl --link|--apply plan.jsonl --move-to aside",
        ],
        "undo": ["undo.jsonl"],
        "cluster": [
            "--index in --format text|--index in --count 3", "in --format text|in --count 3",
            "--index in --labels dog,%long --format text|--index in --labels dog,%long --count 3",
            "--index in --head head.safetensors --format text|--index in --head head.safetensors --count 3",
            "--index in --density 0.5 --format text",
            "--index in --html page.html --format text|--index in --html page.html --count 3",
        ],
        "filter": [
            "--index in --drop %long|--index in --keep dog --threshold -0.9", "in --keep dog --drop %long",
            "--pairs pairs.csv",
            "--index in --drop %long --html page.html",
        ],
        "outliers": ["--index in", "in", "--index in --html page.html"],
        "vectors": ["--index in"],
        "tokenize": ["dog %long", "--file texts"],
        "preprocess": ["%picture", "--files-from list"],
        "models": [""],
        "info": ["", "packed.clip"],
        "verify": ["packed.clip"],
        "pack": ["packed.clip -o new.clip"],
        "export": ["packed.clip -o exported"],
    ].mapValues { modes in
        modes.map { mode in
            mode.split(separator: "|", omittingEmptySubsequences: false).flatMap { line in
                line.contains("%picture")
                    ? ["a.png", "alpha.png", "grey16.png", "turned.jpg", "cat.jpg", "cut.png"].map {
                        line.replacingOccurrences(of: "%picture", with: "in/" + $0)
                    } : [String(line)]
            }
        }
    }

    /// Values for options that take one and name no words to choose from: one of them must make a difference.
    private static let values: [String: [String]] = [
        "model": [Fixtures.models[1]], "threads": ["1"], "batch-size": ["1"], "files-from": ["list"],
        "file": ["texts"], "max-pixels": ["900"], "output": ["out"], "labels": ["bird,fish"],
        "labels-file": ["labels"], "template": ["art of {}"], "top": ["1"], "reference": ["a cat"],
        "image-column": ["second"], "caption-column": ["other"], "resamples": ["40"],
        "seed": (1...9).map { "\($0 * 7)" }, "cells": ["3"], "groups": ["groups.csv"], "index": ["in2"],
        "image": ["in/b.png"],
        "minus": ["dog", "cat", "tree", "word", "one", "sky", "blue stripes", "a face", "noise", "photo", "red"],
        "minus-image": ["in/b.png", "in/cat.jpg"],
        "minus-threshold": ["-1"], "weights": ["1,-0.5"], "threshold": ["0.9999", "0.3", "-0.9"], "filter": ["*.jpg"],
        "move-to": ["moved"], "relocate": ["in"], "count": ["2"], "density": ["0.9"], "minimum": ["1000"],
        "keep": ["tree", "one"],
        "drop": ["tree", "one"], "neighbours": ["1"], "html": ["other.html"], "examples": ["in2.csv"],
        "head": ["head2.safetensors"], "regression": ["7"], "save-head": ["new.safetensors"],
        "sort-into": ["sorted"], "keywords": ["k.csv"], "keyword-threshold": ["0.1"], "exclude": ["*.png"],
        "language": ["deu_Latn"], "text-model": [Fixtures.models[1]], "prefer": ["missing"], "apply": ["plan.jsonl"],
        "undo-list": ["list.jsonl"],
    ]

    private static let commands = Root.tables.map(\.name).filter { !["bench", "pull", "mcp"].contains($0) }

    /// Pictures for which every way of reading them makes a difference, indexes, lists.
    private func prepared() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        let root = URL(filePath: Fixtures.path).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        func copy(_ path: String, to name: String) throws {
            try folder.write(Data(contentsOf: root.appending(path: path)), to: name)
        }
        for name in ["in", "in2"] {
            try folder.copyPicture("blocks.png", to: "\(name)/a.png")
            try folder.copyPicture("waves.png", to: "\(name)/b.png")
        }
        try folder.copyPicture("waves.png", to: "in/copy of b.png")
        try copy("Tests/CLIPPicturesTests/Fixtures/png/basn6a08.png", to: "in/alpha.png")
        try copy("Tests/CLIPPicturesTests/Fixtures/png/basi0g16.png", to: "in/grey16.png")
        try copy("Tests/CLIPPicturesTests/Fixtures/jpeg/exif_6.jpg", to: "in/turned.jpg")
        try copy("Models/examples/cat.jpg", to: "in/cat.jpg")
        let whole = try folder.data("in/a.png")
        try folder.write(whole.prefix(whole.count * 2 / 3), to: "in/cut.png")
        let pictures = try FileManager.default.contentsOfDirectory(atPath: folder["in"]).sorted()
        try folder.write(pictures.map { "in/\($0)\n" }.joined(), to: "list")
        try folder.write("one\n\(long)\n", to: "texts")
        try folder.write("bird\nfish\n", to: "labels")
        try folder.write(
            "image,caption,second,other\nin/a.png,dog,in/b.png,cat\nin/alpha.png,dog,in/b.png,\(long)\n"
                + "in/grey16.png,\(long),in/b.png,cat\nin/turned.jpg,dog,in/b.png,cat\nin/cat.jpg,dog,in/b.png,cat\n"
                + "in/cut.png,dog,in/b.png,cat\n", to: "pairs.csv")
        let groups = pictures.enumerated().map { "in/\($1),\($0 % 2 == 0 ? "x" : "y")\n" }
        try folder.write("path,group\n" + groups.joined(), to: "groups.csv")
        // Words enough for a label to be too long, in a name that a folder may have.
        let label = Array(repeating: "a", count: 120).joined(separator: " ")
        for (place, picture) in pictures.enumerated() {
            let name = "sets/\(place % 2 == 0 ? "bird" : label)/\(picture)"
            try folder.copy(URL(filePath: folder["in/\(picture)"]), to: name)
        }
        try folder.write("path,label\nin2/a.png,bird\nin2/b.png,\(label)\n", to: "in2.csv")
        let labelled = pictures.enumerated().map { "in/\($1),\($0 % 2 == 0 ? "bird" : long)\n" }
        try folder.write("path,label\n" + labelled.joined(), to: "labels.csv")
        try FileManager.default.copyItem(atPath: folder["in"], toPath: folder["new"])
        for name in ["in", "in2"] { _ = try clip(["index", name], in: folder) }
        try folder.write(folder.data("in/.clip-index"), to: "emptied/.clip-index")
        // A picture of it is new.
        try folder.copyPicture("blocks.png", to: "stale/a.png")
        _ = try clip(["index", "stale"], in: folder)
        try folder.copyPicture("waves.png", to: "stale/b.png")
        // An index that is damaged in its middle can be made from what comes before.
        try FileManager.default.copyItem(atPath: folder["in"], toPath: folder["in3"])
        var index = try folder.data("in3/.clip-index")
        index[532] ^= 1
        try folder.write(index, to: "in3/.clip-index")
        try folder.write(clip(["dedupe", "--index", "in", "--exact"], in: folder).output, to: "plan.jsonl")
        try folder.write(
            "{\"clip_undo\":1}\n{\"change\":\"make-folder\",\"source\":null,\"target\":\"/nonexistent/folder\"}\n",
            to: "undo.jsonl")
        _ = try clip(["pack", Fixtures.model, "-o", "packed.clip", "--dtype", "f32"], in: folder)
        try FileManager.default.copyItem(atPath: folder["packed.clip"], toPath: folder["a model"])
        _ = try clip(
            ["classify", "--examples", "sets", "--save-head", "head.safetensors", "--max-pixels", "90000000"],
            in: folder)
        _ = try clip(["classify", "--examples", "in2.csv", "--save-head", "head2.safetensors"], in: folder)
        try FileManager.default.copyItem(atPath: folder["in/a.png"], toPath: folder["a picture"])
        return folder
    }

    private let long = Array(repeating: "word", count: 99).joined(separator: " ")

    private func clip(_ arguments: [String], in folder: TemporaryFolder) throws -> ClipProcess {
        try ClipProcess.run(
            ClipProcess.path, arguments, in: folder.path,
            environment: [
                "CLIP_MODEL": Fixtures.model, "HF_HUB_CACHE": folder["cache"], "CLIP_MODELS": folder["models"],
            ])
    }

    /// All that can be seen of a run: status, what it printed, the files afterwards.
    private func outcome(_ arguments: [String], _ prepared: TemporaryFolder) throws -> (ClipProcess, seen: String) {
        let folder = try TemporaryFolder()
        for name in try prepared.contents() {
            try FileManager.default.copyItem(atPath: prepared[name], toPath: folder[name])
        }
        // A copy has no time of its own everywhere.
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSince1970: 1e9)], ofItemAtPath: folder["in/copy of b.png"])
        let result = try clip(arguments, in: folder)
        var files: [String] = []
        let names = FileManager.default.enumerator(atPath: folder.path)?.allObjects as? [String] ?? []
        // What a search brings up to date holds times.
        for name in names.sorted() where arguments[0] != "search" || !name.hasSuffix(".clip-index") {
            let attributes = try FileManager.default.attributesOfItem(atPath: folder[name])
            let isFolder = attributes[.type] as? FileAttributeType == .typeDirectory
            files.append("\(name) \(isFolder ? 0 : try folder.data(name).hashValue)")
        }
        let folderName = folder.path
        func neutral(_ text: String) -> String { text.replacingOccurrences(of: folderName, with: "FOLDER") }
        return (
            result,
            "\(result.status)\n\(neutral(result.text))\n\(neutral(result.errors))\n\(files.joined(separator: "\n"))"
        )
    }

    /// The ways to give an option.
    private func spellings(_ option: OptionForm) -> [[String]] {
        switch option.value {
        case .flag: [["--" + option.name]]
        case .pair(let off): [["--" + off]]
        // The only word of a choice is its default as well, and changes nothing: another is refused.
        case .choice(_, let words): (words.count > 1 ? words : ["another"]).map { ["--" + option.name, $0] }
        default: (Self.values[option.name] ?? ["1"]).map { ["--" + option.name, $0] }
        }
    }

    @Test(arguments: commands)
    func `An option has an effect or is refused`(command: String) throws {
        let folder = try prepared()
        let table = try #require(Root.tables.first { $0.name == command })
        let options = table.visibleForms.filter { $0.name != "help" && !Self.invisible.contains($0.name) }
        for mode in try #require(Self.modes[command]) {
            let lines = mode.map { line in
                [command]
                    + line.split(separator: " ").map {
                        $0.replacingOccurrences(of: "%long", with: long).replacingOccurrences(
                            of: "%bar", with: "|puppy")
                    }
            }
            var before: [[String]: String] = [:]
            for option in options where !lines.allSatisfy({ $0.contains("--" + option.name) }) {
                // What is replaced must be there.
                let extra = option.name == "overwrite" ? ["-o", command == "pack" ? "a picture" : "a model"] : []
                var isRefused = false
                var hasEffect = false
                for (line, spelling) in lines.flatMap({ line in spellings(option).map { (line, $0) } })
                where !hasEffect && !line.contains("--" + option.name) {
                    let base = line + extra
                    if before[base] == nil { before[base] = try outcome(base, folder).seen }
                    guard extra.isEmpty || before[base]!.hasPrefix("64\n") else {
                        Issue.record("\(base) writes over what stands there")
                        continue
                    }
                    let (result, seen) = try outcome(base + spelling, folder)
                    #expect(!result.wasKilled && [0, 1, 64].contains(result.status), "\(base + spelling)")
                    if result.status == 64 {
                        isRefused = isRefused || !before[base]!.hasPrefix("64\n")
                    } else {
                        hasEffect = seen != before[base]
                    }
                }
                #expect(hasEffect || isRefused, "clip \(lines[0].joined(separator: " ")): --\(option.name)")
            }
        }
    }

    @Test(arguments: ["bench", "pull"])
    func `What measures or fetches takes its options or refuses them`(command: String) throws {
        let type = try #require(Root.commands.first { $0.table.name == command })
        let bases =
            command == "pull" ? ["org/name"] : ["image", "text", "decode", "search", "load"].map { "--what \($0)" }
        for base in bases {
            let words = base.split(separator: " ").map(String.init)
            let options = type.table.options.map(\.form)
            for option in options where option.name != "help" && !words.contains("--" + option.name) {
                for spelling in spellings(option) {
                    var arguments = try ArgumentParser.parse((words + spelling).map { Array($0.utf8) }, as: type.table)
                    do throws(UsageError) {
                        _ = arguments.take(ResultOptions.quiet)
                        _ = arguments.take(ResultOptions.color)
                        _ = try type.init(&arguments)
                        try arguments.checkAllTaken(type.table)
                    } catch {
                        #expect(
                            error.message.contains("--\(option.name)")
                                && (command == "bench" || option.name == "overwrite"))
                    }
                }
            }
        }
    }

    @Test func `What an index that is taken as it is has no use for is refused with its value`() throws {
        let folder = try prepared()
        for (command, more) in [("dedupe", []), ("outliers", []), ("cluster", []), ("filter", ["--keep", "a"])] {
            for option in [["--fit", "pad"], ["--alpha", "drop"], ["--batch-size", "3"], ["--no-orient"]] {
                let result = try clip([command, "--index", "in"] + more + option, in: folder)
                #expect(result.status == 64 && result.output.isEmpty, "\(command) \(option)")
                #expect(result.errors.contains("'\(option.joined(separator: " "))' has no effect"))
            }
        }
        #expect(try clip(["dedupe", "--index", "in", "--model", "/nonexistent"], in: folder).status == 64)
    }
}
