import CLIPSystem

/// Which group each picture belongs to, from a csv file with a header: path, group.
package struct GroupTable {
    package let path: String
    private let groups: [String: String]

    /// - Throws: when the file can't be read, or a line has no two cells.
    package init(path: String) throws(CLIPError) {
        self.path = path
        let reader = try EntryReader(path: path, isNULSeparated: false)
        var groups: [String: String] = [:]
        while let entry = try reader.nextCSV() {
            let place = "\(reader.name): line \(entry.line)"
            if let fault = entry.fault { throw fault }
            guard let text = String(validating: entry.text, as: UTF8.self) else { throw CLIPError.notUTF8(place) }
            guard entry.line > 1, !text.isEmpty else { continue }
            let cells = entry.row.fields
            guard cells.count >= 2, !cells[0].isEmpty, !cells[1].isEmpty else {
                throw CLIPError(.storage, path: place, "expected a path, a comma and a group, found \"\(text)\"")
            }
            groups[cells[0]] = cells[1]
        }
        guard !groups.isEmpty else {
            throw CLIPError(
                .storage, path: reader.name, "holds no groups, expected a header and lines of path,group")
        }
        self.groups = groups
    }

    /// The group of the picture named `name`: by its whole path, else by its file's name.
    package func group(of name: String) -> String? {
        groups[name] ?? name.split(separator: "/").last.flatMap { groups[String($0)] }
    }
}
