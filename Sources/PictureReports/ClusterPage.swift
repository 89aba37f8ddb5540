import CLIP
import PictureCollections

extension PictureReport {
    /// Clusters, each a section, its pictures from the middle outwards.
    /// - Parameters:
    ///   - labels: the nearest names of each cluster; empty where none were given.
    ///   - showsAll: all pictures of a cluster, not only enough to see what it is of.
    package static func clusters(
        _ found: PictureClusters, of index: PictureIndex, labels: [[(label: String, similarity: Float)]],
        showsAll: Bool, gone: GoneFiles, file: PageFile
    ) throws -> PictureReport {
        try ClusterPage(index: index, found: found, labels: labels, showsAll: showsAll, gone: gone).report(file)
    }
}

private struct ClusterPage {
    let index: PictureIndex
    let found: PictureClusters
    /// The nearest names of each cluster; empty where none were given.
    let labels: [[(label: String, similarity: Float)]]
    let showsAll: Bool
    let gone: GoneFiles

    /// Pictures of a cluster that are shown unless all are asked for: enough to see what it is of.
    private static let usualCount = 24

    func report(_ page: PageFile) throws -> PictureReport {
        var room = PagePictures.limit
        func shown(_ numbers: [Int]) -> ArraySlice<Int> {
            let part = numbers.prefix(min(room, showsAll ? .max : ClusterPage.usualCount))
            room -= part.count
            return part
        }
        let members = found.clusters.map { shown($0.numbers) }
        let noise = shown(found.noise)
        let paths = try (members.flatMap { $0 } + noise).map { try index.picture($0).pathBytes }
        let pictures = try page.pictures(paths, options: index.settings.reading)
        var sections = try found.clusters.indices.map { try section($0, members[$0], pictures) }
        if !found.noise.isEmpty {
            sections.append(
                PictureReport.Section(
                    "In no cluster: \(try gone.present(found.noise).count.pictures)",
                    paragraphs: ["They have too few others near them."]
                        + PictureReport.limitNote(shown: noise.count, of: found.noise.count),
                    pictures: try noise.map {
                        pictures.card(try index.picture($0).pathBytes, mark: try gone.contains($0) ? .gone : nil)
                    }))
        }
        return PictureReport(
            title: "\((index.count - gone.count).pictures) in \(found.clusters.count) clusters",
            introduction: ["Pictures that look alike to the model are together, the largest cluster first."],
            sections: sections,
            notes: PictureReport.notes(
                index,
                """
                The first picture of a cluster is the one nearest to its middle, the others follow by their cosine with \
                it. A cluster is what this model takes for alike: it may mix subjects, and another number of clusters \
                draws other borders.
                """))
    }

    private func section(
        _ number: Int, _ shown: ArraySlice<Int>, _ pictures: PagePictures
    ) throws -> PictureReport.Section {
        let cluster = found.clusters[number]
        let names = labels[number].map { "\($0.label) \(decimal(Double($0.similarity), places: 3))" }
        let naming =
            names.isEmpty
            ? [] : ["Nearest names: \(names.joined(separator: ", ")): the best of the list given, not a fact."]
        let mean = cluster.similarities.reduce(0, +) / Float(cluster.similarities.count)
        let heading = labels[number].first.map { "\(number + 1): \($0.label)" } ?? "Cluster \(number + 1)"
        return PictureReport.Section(
            "\(heading) (\(try gone.present(cluster.numbers).count))",
            paragraphs: naming + ["Mean cosine with the middle: \(decimal(Double(mean), places: 3))."]
                + PictureReport.limitNote(shown: shown.count, of: cluster.numbers.count),
            pictures: try zip(shown, cluster.similarities).enumerated().map { position, member in
                pictures.card(
                    try index.picture(member.0).pathBytes,
                    mark: try gone.contains(member.0) ? .gone : position == 0 ? .init("middle", .good) : nil,
                    lines: ["cosine \(decimal(Double(member.1), places: 3))"])
            })
    }
}
