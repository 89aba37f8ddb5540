import CLIP
import CLIPSystem
import CLIPTestSupport
import Foundation
import Testing
import CLIPWeights
import PictureCollections

@testable import PictureReports

@Suite struct ReportTests {
    @Test func `No name gets out of its place`() {
        let hostile = "<script>alert('x')</script>\"&\n\u{202E}\u{7}😀"
        let report = PictureReport(
            title: hostile, introduction: [hostile],
            sections: [
                .init(
                    hostile, paragraphs: [hostile], terms: [.init(hostile, isWanted: false, weight: hostile)],
                    table: .init(
                        columns: [hostile],
                        rows: [[.text(hostile)], [.number("-0.50")], [.share(0.25)], [.share(0.031)]]),
                    pictures: [
                        .init(
                            name: hostile, thumbnail: .linked(relativeAddress(hostile.utf8)), link: hostile,
                            mark: .init(hostile), lines: [hostile]),
                        .init(name: "missing", thumbnail: .missing),
                    ], groups: [.init(hostile, lines: [hostile], pictures: [])])
            ], notes: [hostile])
        let page = report.html()
        #expect(!page.contains("<script>alert") && !page.contains("'x'") && !page.contains("\u{202E}"))
        #expect(page.components(separatedBy: "<script>").count == 2)
        #expect(page.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&amp;↵"))
        #expect(page.contains("src=\"./%3Cscript%3Ealert%28%27x%27%29%3C/script%3E%22%26%0A%E2%80%AE%07%F0%9F%98%80\""))
        #expect(page.contains("−0.50") && page.contains(">25 %") && page.contains(">3.1 %"))
    }

    @Test func `Text has its forms`() {
        #expect(
            relativeAddress("a b/ü:1.png".utf8) == "./a%20b/%C3%BC%3A1.png" && relativeAddress("/x#y".utf8) == "/x%23y")
    }

    @Test func `No script runs but the page's own`() throws {
        let page = PictureReport(title: "").html()
        let script = try #require(page.firstMatch(of: /<script>((?s).*)<\/script>/)).1
        var hash = SHA256()
        hash.update(Array(script.utf8))
        #expect(page.contains("script-src 'sha256-\(base64OfBytes(hash.digest()))'"))
    }

    @Test(arguments: [160, 320]) func `A thumbnail is the picture, smaller`(edge: Int) throws {
        let picture = try Fixtures.photograph()
        guard case .embedded(let jpeg, let width, let height) = Thumbnail(of: picture, edge: edge) else {
            Issue.record("not embedded")
            return
        }
        let small = try Picture(bytes: jpeg)
        #expect(small.width == width && small.height == height && max(width, height) == edge && jpeg.count < 60_000)
        let model = try Fixtures.model()
        let similarity = try model.embed(small).similarity(to: model.embed(picture))
        #expect(similarity > 0.95)
    }

    @Test func `Pictures of a page are shown or said to be missing, and linked from where the page is`() throws {
        let folder = try TemporaryFolder()
        try folder.copy(0, to: "photos/ü #1.png")
        try folder.write(Data("no picture".utf8), to: "photos/broken.png")
        try FileManager.default.createDirectory(atPath: folder["pages/deep"], withIntermediateDirectories: true)
        let names = ["photos/ü #1.png", "photos/broken.png", "photos/gone.png"]
        let paths = names.map { Array(folder[$0].utf8) }
        for linksFiles in [false, true] {
            var done: [Int] = []
            let pictures = try PagePictures(
                of: paths + paths, page: folder["pages/deep/page.html"], linksFiles: linksFiles
            ) { done += [$0, $1] }
            #expect(done == [3, 3])
            let cards = paths.map { pictures.card($0) }
            #expect(
                cards.map(\.link) == ["../../photos/%C3%BC%20%231.png", "../../photos/broken.png", nil]
                    && cards.map(\.name) == names.map { folder[$0] })
            switch cards[0].thumbnail {
            case .embedded(let jpeg, _, _): #expect(!linksFiles && jpeg.starts(with: [0xFF, 0xD8]))
            case .linked(let address): #expect(linksFiles && address == cards[0].link)
            case .missing: Issue.record("missing")
            }
            for card in cards[1...] { if case .missing = card.thumbnail {} else { Issue.record("\(card.name)") } }
        }
    }
}
