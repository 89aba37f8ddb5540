internal import CLIPJSON

/// The modules.json of a model that sentence-transformers saved: which folder holds the CLIP, and what comes behind it.
struct SentenceTransformersModules {
    /// The folder with the CLIP's own files.
    let modelFolder: String

    /// Modules that leave an embedding's direction as it is.
    private static let harmless: Set<String> = ["Normalize"]

    /// nil when the folder has no modules.json.
    /// - Throws: if the file can't be read, leads out of the folder, or names a module that changes embeddings.
    init?(in folder: ModelFolder) throws(WeightsError) {
        let name = "modules.json"
        guard let json = try folder.readText(name, limit: 1 << 20) else { return nil }
        let path = Path.join(folder.path, name)
        let list: JSONValue
        do {
            list = try JSONValue(parsing: json)
        } catch {
            throw WeightsError(path: path, problem: "byte \(error.offset): \(error.problem): fetch it again")
        }
        // Other programs have files of this name.
        guard let modules = list.array, let first = modules.first, modules.allSatisfy({ $0["type"]?.string != nil })
        else { return nil }
        func type(_ module: JSONValue) -> String {
            String((module["type"]?.string ?? "").split(separator: ".").last ?? "")
        }
        guard ["CLIPModel", "Transformer"].contains(type(first)) else {
            throw WeightsError(
                path: path,
                problem: "begins with the module \(quoted(type(first))), expected CLIPModel: it is not a CLIP")
        }
        if let other = modules.dropFirst().map(type).first(where: { !Self.harmless.contains($0) }) {
            throw WeightsError(
                path: path,
                problem: "names the module \(quoted(other)) behind the CLIP, which changes its embeddings: give the "
                    + "folder of the CLIP alone, if those without it are wanted")
        }
        let place = first["path"]?.string ?? ""
        guard place.isEmpty || Path.staysInside(place) else {
            throw WeightsError(
                path: path, problem: "names the folder \(quoted(place)), expected one inside the model's folder")
        }
        modelFolder = place.isEmpty ? folder.path : Path.join(folder.path, place)
    }
}
