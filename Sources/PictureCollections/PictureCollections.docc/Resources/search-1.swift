import CLIP
import Foundation
import PictureCollections

let folder = URL(fileURLWithPath: CommandLine.arguments[1])
let model = try CLIPModel.embedded()
