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
