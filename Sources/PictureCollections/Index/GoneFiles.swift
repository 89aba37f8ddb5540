import CLIP

/// Which pictures of an index have lost their file since they were indexed. Each is looked at once.
package final class GoneFiles {
    private let index: PictureIndex
    private var known: [Int: Bool] = [:]

    package init(_ index: PictureIndex) { self.index = index }

    package func contains(_ number: Int) throws(CLIPError) -> Bool {
        if let isGone = known[number] { return isGone }
        return contains(try index.picture(number))
    }

    package func contains(_ picture: IndexedPicture) -> Bool {
        if let isGone = known[picture.number] { return isGone }
        let isGone = picture.isGone
        known[picture.number] = isGone
        return isGone
    }

    /// Those of the pictures that are there.
    package func present(_ numbers: [Int]) throws(CLIPError) -> [Int] {
        var present: [Int] = []
        for number in numbers where try !contains(number) { present.append(number) }
        return present
    }

    /// How many of the pictures that were looked at are gone.
    package var count: Int { known.values.count { $0 } }

    /// What stands under results for people; nothing where none is gone.
    package var note: String { count == 0 ? "" : "; " + GoneFiles.words(count) }

    /// How every command says that pictures are gone.
    package static func words(_ count: Int) -> String {
        "\(count) left out of the count, since the file is gone"
    }

    /// The first of the ranked pictures, as many as `top` that are there, and of those that are gone among them as many at
    /// most: on a disk that isn't mounted all are.
    /// - Parameter number: of a picture in the index.
    package func first<Ranked>(_ top: Int, of ranked: [Ranked], number: (Ranked) -> Int) throws(CLIPError) -> [Ranked] {
        var taken: [Ranked] = []
        var (count, goneCount) = (0, 0)
        for element in ranked {
            guard count < top else { break }
            let isGone = try contains(number(element))
            if isGone { goneCount += 1 } else { count += 1 }
            if !isGone || goneCount <= top { taken.append(element) }
        }
        return taken
    }
}
