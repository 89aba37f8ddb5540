import CLIPTestSupport
import Testing

@testable import CLIPTokenizers

/// The ids of pieces by their bytes.
@Suite struct PieceIndexTests {
    private let pieces =
        (0..<3000).map { "p\($0 % 2900)\(String(repeating: "ж", count: $0 % 7))" } + ["<s>", "[X]", "", "<s>"]

    @Test func `Pieces are found whether they were inserted or appended, the last of two that are alike`() {
        var (inserted, appended) = (PieceIndex(), PieceIndex())
        var expected: [String: UInt32] = [:]
        for (id, piece) in pieces.enumerated() {
            inserted.insert(piece.utf8, id: UInt32(id))
            appended.append(piece.utf8, id: UInt32(id))
            expected[piece] = UInt32(id)
        }
        var hashed = appended
        hashed.hashAll()
        for index in [inserted, appended, hashed] {
            for (piece, id) in expected { #expect(index[piece.utf8] == id, "\(piece)") }
            for absent in ["q", "p", "<", "жж", "p1ж "] { #expect(index[absent.utf8] == nil) }
            #expect(index.end == pieces.count)
        }
        #expect(inserted.count == expected.count && appended.count == pieces.count)
    }

    @Test func `A piece is found near a place or elsewhere`() {
        var index = PieceIndex()
        for id in 0..<500 { index.insert("piece \(id)".utf8, id: UInt32(id)) }
        var place = 0
        for id in [0, 1, 1, 2, 400, 401, 7, 499, 499] {
            #expect(index.id(of: "piece \(id)".utf8, near: &place) == UInt32(id) && place == id)
        }
        #expect(index.id(of: "another".utf8, near: &place) == nil)
    }

    @Test func `A list keeps holes, and fills them`() {
        var index = PieceIndex()
        index.insert("a".utf8, id: 2)
        index.insert("".utf8, id: 0)
        var list = PieceList(index, count: 3)
        list.grow(to: 5)
        list.grow(to: 4)
        #expect(list.count == 5 && list.range(1) == nil && list.range(3) == nil)
        list.set(3, Array("bc".utf8))
        list.append("d".utf8)
        #expect((0..<6).map { list[$0].map { String(decoding: $0, as: UTF8.self) } } == ["", nil, "a", "bc", nil, "d"])
    }
}
