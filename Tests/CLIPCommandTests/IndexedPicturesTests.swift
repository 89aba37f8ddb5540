import CLIPTestSupport
import Foundation
import Testing

/// Commands that take embeddings from an index in place of reading pictures.
@Suite struct IndexedPicturesTests {
    private func indexed() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        for (picture, name) in [
            ("blocks.png", "a/one.png"), ("waves.png", "a/two.png"), ("speck.png", "b/one.png"),
            ("ring_grey.png", "b/two.png"),
        ] { try folder.copyPicture(picture, to: "photos/\(name)") }
        #expect(try clip(["index", "photos", "--dtype", "f32", "--model", Fixtures.model], in: folder).status == 0)
        return folder
    }

    private func removePictures(_ folder: TemporaryFolder) throws {
        for name in ["a", "b"] { try FileManager.default.removeItem(atPath: folder["photos/\(name)"]) }
    }

    private func labels(_ record: [String: Any]) -> [(label: String, similarity: Float, probability: Float)] {
        (record["labels"] as? [[String: Any]] ?? []).map { score in
            (
                score["label"] as! String, (score["similarity"] as! NSNumber).floatValue,
                (score["probability"] as! NSNumber).floatValue
            )
        }
    }

    @Test func `Labels of indexed pictures are those of the pictures, none of which is read`() throws {
        let folder = try indexed()
        let options = ["--labels", "dog,cat,a bird", "--independent", "--reject"]
        let read = try clip(["classify", "photos", "--model", Fixtures.model] + options, in: folder)
        try removePictures(folder)
        let taken = try clip(["classify", "--index", "photos"] + options, in: folder)
        #expect(taken.status == 0 && taken.errors.isEmpty, "\(taken.errors)")
        let (expected, found) = (try read.records, try taken.records)
        #expect(found.map { $0["input"] as? String } == expected.map { $0["input"] as? String } && found.count == 4)
        for (expected, found) in zip(expected, found) {
            for key in ["ambiguous", "fits_no_label", "answer", "model"] {
                #expect("\(found[key] ?? "")" == "\(expected[key] ?? "")")
            }
            for (expected, found) in zip(labels(expected), labels(found)) {
                #expect(expected.label == found.label)
                #expect(abs(expected.similarity - found.similarity) < 1e-5)
                #expect(abs(expected.probability - found.probability) < 1e-3)
            }
        }
        let best = try clip(["classify", "--index", "photos", "--top", "1"] + options, in: folder).records
        #expect(best.map { labels($0).map(\.label) } == found.map { [labels($0)[0].label] })
        #expect(best.map { $0["ambiguous"] as? Bool } == found.map { $0["ambiguous"] as? Bool })
    }

    @Test func `Paths choose among the pictures of an index, one that it hasn't is reported`() throws {
        let folder = try indexed()
        try removePictures(folder)
        try folder.write("photos/b/two.png\nphotos/a/one.png\n", to: "list")
        func inputs(_ arguments: [String]) throws -> [String?] {
            try clip(["embed-image", "--index", "photos"] + arguments, in: folder).records.map {
                $0["input"] as? String
            }
        }
        #expect(try inputs(["photos/b"]) == ["photos/b/one.png", "photos/b/two.png"])
        #expect(try inputs(["--files-from", "list"]) == ["photos/b/two.png", "photos/a/one.png"])
        // Of a folder that is gone nobody knows where ".." leads.
        #expect(try inputs(["./photos/a/../a/two.png"]) == [])
        let missing = try clip(["embed-image", "photos/c.png", "photos/a", "--index", "photos"], in: folder)
        #expect(missing.status == 1 && missing.lines.count == 2)
        #expect(missing.errors.hasPrefix("clip: photos/c.png: is not in the index photos/.clip-index"))
        #expect(try clip(["embed-image", "-", "--index", "photos"], in: folder).status == 64)
        #expect(try clip(["embed-image", "--index", "photos", "--fit", "pad"], in: folder).status == 64)
    }

    @Test func `Embeddings, scores, audits and distances by the index are those of the pictures`() throws {
        let folder = try indexed()
        let model = ["--model", Fixtures.model]
        let lines = [
            ["embed-image", "photos"], ["score", "photos/a/one.png", "a dog", "a cat"],
            ["audit", "photos", "--labels", "dog,cat", "--template", "a {}"], ["compare", "photos/a", "photos/b"],
        ]
        let read = try lines.map { try numbers(clip($0 + model, in: folder)) }
        try removePictures(folder)
        for (line, expected) in zip(lines, read) {
            let found = try numbers(clip(line + ["--index", "photos"], in: folder))
            #expect(found.count == expected.count && !found.isEmpty, "\(line)")
            for (a, b) in zip(found, expected) { #expect(abs(a - b) < 1e-4 * max(1, abs(b)), "\(line)") }
        }
        let both = try clip(["compare", "--index", "photos", "--index", "photos"], in: folder)
        #expect((try both.record["distance"] as? NSNumber)?.doubleValue == 0)
        #expect(try clip(["compare", "photos/a", "--index", "photos"], in: folder).status == 64)
        try folder.write("photos/a/one.png\ta dog\nphotos/no.png\ta dog\n", to: "pairs")
        let pairs = try clip(["score", "--pairs", "pairs", "--index", "photos"], in: folder)
        #expect(
            pairs.status == 1 && pairs.lines.count == 1 && pairs.errors.contains("photos/no.png: is not in the index"))
    }

    /// The numbers of all records, in the order of their names.
    private func numbers(_ result: ClipProcess) throws -> [Double] {
        func flat(_ value: Any) -> [Double] {
            switch value {
            case let object as [String: Any]: object.sorted { $0.key < $1.key }.flatMap { flat($0.value) }
            case let list as [Any]: list.flatMap(flat)
            case let number as NSNumber: [number.doubleValue]
            default: []
            }
        }
        return try result.records.flatMap(flat)
    }

    @Test func `Paths that come one by one are answered one by one`() throws {
        let folder = try indexed()
        for command in ["embed-image", "classify --labels dog,cat"] {
            // Whoever asks waits for the answer before it asks again: with a batch to be filled first this would never end.
            let script = """
                coproc c { "$clip" \(command) --files-from - --model "$model"; }
                for name in a/one a/two b/one; do
                    echo "photos/$name.png" >&"${c[1]}"
                    read -r -t 60 answer <&"${c[0]}" || exit 3
                    case "$answer" in *"photos/$name.png"*) ;; *) exit 4 ;; esac
                done
                """
            let result = try ClipProcess.bash(script, in: folder.path, environment: ["model": Fixtures.model])
            #expect(result.status == 0, "\(command): \(result.errors)")
        }
    }

    @Test func `Queries that come one by one are answered one by one`() throws {
        let folder = try indexed()
        let script = """
            coproc c { "$clip" search --file - --top 1 --index photos; }
            for query in dog cat "a bird"; do
                echo "$query" >&"${c[1]}"
                read -r -t 60 answer <&"${c[0]}" || exit 3
                case "$answer" in *"\\"query\\":\\"$query\\""*) ;; *) exit 4 ;; esac
            done
            """
        let result = try ClipProcess.bash(script, in: folder.path)
        #expect(result.status == 0, "\(result.errors)")
        let all = try ClipProcess.run(
            "search", "--file", "-", "--index", "photos", "--top", "1", input: Data("dog\n\n cat \na bird".utf8),
            in: folder.path)
        #expect(try all.records.map { $0["query"] as? String } == ["dog", "cat", "a bird"])
        let single = try ClipProcess.run("search", "cat", "--index", "photos", "--top", "1", in: folder.path)
        #expect(all.lines[1] == single.lines[0])
    }

    @Test func `The short spellings that other programs have are understood`() throws {
        #expect(try ClipProcess.run("-V").text == ClipProcess.run("--version").text)
        #expect(try ClipProcess.run("classify", "-V").text == ClipProcess.run("--version").text)
        let long = try ClipProcess.run("tokenize", "a dog", "--format", "json", "--model", Fixtures.model)
        #expect(try ClipProcess.run("tokenize", "a dog", "--json", "--model", Fixtures.model).text == long.text)
        #expect(long.status == 0)
        #expect(try ClipProcess.run("tokenize", "a", "--json=x").status == 64)
    }
}
