import CLIP
import Foundation
import PictureCollections

let folder = URL(fileURLWithPath: CommandLine.arguments[1])
let model = try CLIPModel.embedded()

let file = folder.appending(path: PictureIndex.defaultName)
let update = try PictureIndexer(model: model).update(file, folders: [folder]) { progress in
    print(progress.done, "of", progress.total)
}
print("\(update.added) new, \(update.unchanged) as they were, \(update.unreadable) unreadable")

let words = CommandLine.arguments.dropFirst(2).joined(separator: " ")
let index = try PictureIndex(contentsOf: file)
var query = SearchQuery(try model.embed(words))
query.background = try SearchQuery.backgroundEmbeddings(of: model)
for hit in try index.search(query, top: 5) {
    print(hit.score, hit.picture.url.path, hit.fits == false ? "(fits no better than any picture)" : "")
}
