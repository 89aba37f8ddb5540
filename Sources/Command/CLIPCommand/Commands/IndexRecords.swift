import PictureCollections

/// What a run of `clip index` did.
struct IndexUpdateRecord: Record {
    private let path: String
    private let update: IndexUpdate

    init(path: String, _ update: IndexUpdate) {
        self.path = path
        self.update = update
    }

    private var pictureCount: Int { update.unchanged + update.added + update.changed + update.moved }

    private var counts: [(name: String, count: Int)] {
        [
            ("added", update.added), ("changed", update.changed), ("moved", update.moved), ("copied", update.copied),
            ("deleted", update.deleted), ("unchanged", update.unchanged), ("unreadable", update.unreadable),
            ("dropped", update.dropped),
        ]
    }

    var fields: [(name: String, value: FieldValue)] {
        [("index", .text(path))] + counts.map { ($0.name, .integer($0.count)) } + [
            ("compacted", .truth(update.wasCompacted)),
            ("skipped", .skipped(update.skipped)),
            (
                "emptied",
                .list(
                    update.emptiedFolders.map {
                        .object([("input", .text($0.path)), ("pictures", .integer($0.pictureCount))])
                    })
            ),
            (
                "failed",
                .list(
                    (update.unreachable + update.newlyUnreadable).map {
                        .failure(RecordName(bytes: $0.pathBytes), $0.message)
                    })
            ),
        ]
    }

    var text: String {
        // Records are dropped, not files.
        let names = ["deleted": "dropped from the index", "dropped": "damaged and dropped"]
        let kept = update.emptiedFolders.reduce(0) { $0 + $1.pictureCount }
        var parts = counts.filter { $0.count > 0 }.map { "\($0.count) \(names[$0.name] ?? $0.name)" }
        if kept > 0 { parts.append("\(kept) kept") }
        if kept > 0, pictureCount == 0 { parts.append("none found") }
        return "\(displayed(path)): \(parts.isEmpty ? "no pictures" : parts.joined(separator: ", "))\n"
    }
}

/// What is in an index.
struct IndexStatusRecord: Record {
    private let index: PictureIndex
    private let unreadable: [UnreadablePicture]
    private let comparison: IndexComparison

    init(_ index: PictureIndex, _ comparison: IndexComparison) throws {
        self.index = index
        self.comparison = comparison
        unreadable = try index.unreadable()
    }

    var fields: [(name: String, value: FieldValue)] {
        [
            ("index", .text(index.path)), ("pictures", .integer(index.count)),
            ("unreadable", .integer(unreadable.count)), ("dimension", .integer(index.dimension)),
            ("dtype", .text(index.vectorType.rawValue)), ("bytes", .integer(index.byteCount)),
            ("complete", .truth(index.isComplete)), ("superseded", .integer(index.supersededCount)),
            ("gone", .integer(comparison.goneCount)), ("new", comparison.newCount.map { .integer($0) } ?? .null),
            ("changed", .integer(comparison.changedCount)), ("skipped", .skipped(comparison.skipped)),
            ("settings", .text(index.settings.options ?? "the model's own")), ("model_path", .text(index.modelName)),
            ("model", .text(index.fingerprint)),
            (
                "failed",
                .list(
                    (comparison.unreachable + unreadable).map {
                        .failure(RecordName(bytes: $0.pathBytes), $0.message)
                    })
            ),
        ]
    }

    var text: String {
        var text = "\(displayed(index.path))\n"
        func line(_ name: String, _ value: String) { text += "  \(name.padded(to: 14))\(displayed(value))\n" }
        line("pictures", "\(index.count)")
        line("vectors", "\(index.dimension) × \(index.vectorType.rawValue)")
        line("size", "\(decimal(Double(index.byteCount) / 1e6, places: 1)) MB")
        line("model", "\(index.modelName) (\(index.fingerprint.prefix(12))…)")
        line(
            "pictures are",
            index.settings.options ?? "fitted as the model was trained")
        let new = comparison.newCount.map { ", \($0) new" } ?? ""
        line("since then", "\(comparison.goneCount) gone\(new), \(comparison.changedCount) changed")
        if index.supersededCount > 0 { line("superseded", "\(index.supersededCount) records, gone after --prune") }
        if !index.isComplete { line("the end", "is missing: index again, or copy it again") }
        line("unreadable", "\(unreadable.count)")
        for picture in unreadable { text += "    \(displayed(picture.path)): \(displayed(picture.message))\n" }
        return text
    }
}

/// What `clip index --verify` found.
struct IndexVerificationRecord: Record {
    private let path: String
    private let verification: IndexVerification

    init(path: String, _ verification: IndexVerification) {
        self.path = path
        self.verification = verification
    }

    var fields: [(name: String, value: FieldValue)] {
        [
            ("index", .text(path)), ("intact", .truth(verification.isIntact)),
            ("complete", .truth(verification.isComplete)),
            ("checked", .integer(verification.pictureCount)), ("damaged", .texts(verification.damagedPaths)),
            ("other_damage", .texts(verification.otherDamage)), ("torn_bytes", .integer(verification.tornByteCount)),
        ]
    }

    var text: String {
        let torn = verification.tornByteCount
        let rest = torn > 0 ? "; \(torn) bytes of another at the end, which the next run drops" : ""
        let damaged = verification.damagedPaths.count + verification.otherDamage.count
        let finding =
            damaged > 0
            ? "\(verification.damagedPaths.count) of \(verification.pictureCount) records are damaged: drop them with --prune, and "
                + "index again"
            : verification.isComplete
                ? "all \(verification.pictureCount) records are intact"
                : "the end is missing, the \(verification.pictureCount) records before it are intact"
        return "\(displayed(path)): \(finding)\(rest)\n"
    }
}

extension PictureSettings {
    /// The options that ask for them; nil for the model's own.
    fileprivate var options: String? {
        var words: [String] = []
        if let fit { words.append("--fit \(fit.rawValue)") }
        if !reading.compositesAlphaOverWhite { words.append("--alpha drop") }
        if !reading.appliesOrientation { words.append("--no-orient") }
        if reading.clipsGray16 { words.append("--gray16 clip") }
        if reading.allowsTruncated { words.append("--allow-truncated") }
        if reading.leastEdge != nil { words.append("--fast-decode") }
        return words.isEmpty ? nil : words.joined(separator: " ")
    }
}
