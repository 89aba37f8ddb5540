import CLIPSystem
import Testing

@Suite struct CLIPErrorTests {
    @Test func `A description says path, message and advice, the last in words of this library`() {
        let cut = CLIPError(.picture, path: "a.png", "is cut short", advice: .allowTruncated)
        #expect(cut.description == "a.png: is cut short; PictureOptions.allowsTruncated decodes what is there")
        #expect(cut.localizedDescription == cut.description && cut.message == "is cut short")
        #expect(cut.line(", try again") == "a.png: is cut short, try again")
        #expect(CLIPError(.model, path: "", "is no name").description == "\"\": is no name")
        #expect(CLIPError(.argument, "all weights are zero").description == "all weights are zero")
    }

    @Test func `No advice of the library names an option of the command`() {
        let advices: [CLIPError.Advice] = [
            .allowTruncated, .raisePixelLimit, .pack, .verifyWeights, .nameKnownModel,
            .fetch(name: "org/name", revision: "v1"), .chooseFile(["a", "b"]), .makeIndex, .salvageIndex, .pruneIndex,
            .waitForWriter, .nameModelOfIndex, .setExclusionThreshold,
        ]
        for advice in advices {
            let words = CLIPError(.model, "x", advice: advice).description
            #expect(!words.contains("--") && !words.contains("\"clip "), "\(words)")
            #expect(words.count > 1)
        }
    }

    @Test func `A call that failed keeps its number, wherever its error is told again`() {
        let full = CLIPError(.storage, path: "out", "can't be written", SystemError(code: 28))
        #expect(full.message.hasPrefix("can't be written: ") && full.systemCode == 28)
        let other = full.saying("\(full.message): make room").at("elsewhere")
        #expect(other.systemCode == 28 && other.path == "elsewhere" && other.message.hasSuffix(": make room"))
    }
}
