import CLIP
import Foundation
import Testing

@testable import PictureCollections

@Suite struct ReportTests {
    @Test func `No name gets out of its place`() {
        let hostile = "<script>alert('x')</script>\"&\n\u{202E}\u{7}😀"
        let report = PictureReport(
            title: hostile, introduction: [hostile],
            sections: [
                .init(
                    hostile, paragraphs: [hostile],
                    table: .init(
                        columns: [hostile], rows: [[.text(hostile)], [.number(-0.5, places: 2)], [.share(0.25)]]),
                    pictures: [
                        .init(name: hostile, thumbnail: .linked(path: hostile), lines: [hostile]),
                        .init(name: "missing", thumbnail: .missing),
                    ])
            ])
        let page = report.html()
        #expect(!page.contains("<script>alert") && !page.contains("'x'") && !page.contains("\u{202E}"))
        #expect(page.components(separatedBy: "<script>").count == 2)
        #expect(page.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&amp;↵"))
        #expect(page.contains("src=\"./%3Cscript%3Ealert%28%27x%27%29%3C/script%3E%22%26%0A%E2%80%AE%07%F0%9F%98%80\""))
        #expect(page.contains("−0.50") && page.contains("25 %"))
    }

    @Test func `Text has its forms`() {
        #expect(base64(Array("Man".utf8)) == "TWFu" && base64(Array("Ma".utf8)) == "TWE=")
        #expect(base64(Array("M".utf8)) == "TQ==" && base64([]) == "")
        #expect(base64((0...255).map { UInt8($0) }) == Data((0...255).map { UInt8($0) }).base64EncodedString())
        #expect(percentEncoded("a b/ü:1.png") == "./a%20b/%C3%BC%3A1.png" && percentEncoded("/x#y") == "/x%23y")
        #expect(
            fixed(-.infinity, places: 2) == "−∞" && fixed(0.005, places: 2) == "0.01" && fixed(12, places: 0) == "12")
    }

    @Test func `A thumbnail is the picture, smaller`() throws {
        let picture = try Fixtures.photograph()
        guard case .embedded(let jpeg) = Thumbnail(of: picture) else {
            Issue.record("not embedded")
            return
        }
        let small = try Image(bytes: jpeg)
        #expect(max(small.width, small.height) == Thumbnail.edge && jpeg.count < 20_000)
        let model = try Fixtures.model()
        let similarity = try model.embed(small).similarity(to: model.embed(picture))
        #expect(similarity > 0.95)
    }
}
