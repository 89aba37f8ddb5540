/// How a picture becomes what the image encoder takes: resized, cropped, normalised.
///
/// Defaults are those of Hugging Face's `CLIPImageProcessor`.
package struct PreprocessingConfiguration: Sendable, Equatable {
    /// How a picture that is not square becomes square.
    package var fit: PictureFit
    /// Given, pictures keep their shape unless a fit is asked for.
    package var patches: PatchBudget?
    /// The length in pixels that the shortest edge is resized to, or each edge with `.squash` (`size`).
    package var resizeSize: Int
    /// The side in pixels of the square that the encoder takes (`crop_size`).
    package var cropSize: Int
    /// The filter that resizes (`resample`).
    package var interpolation: Interpolation
    /// What samples 0…255 are multiplied by (`rescale_factor`).
    package var rescaleFactor: Double
    /// The mean of each channel, red first, which is subtracted after rescaling (`image_mean`).
    package var mean: [Float]
    /// The standard deviation of each channel, which is divided by (`image_std`).
    package var standardDeviation: [Float]
    /// Where the crop begins when as many pixels can't be cut off on both sides.
    package var cropRounding: CropRounding
    /// What `.pad` fills with, and any picture that is smaller than the crop: red, green, blue.
    package var fillColor: [UInt8]

    /// The preprocessing of OpenAI's models as Hugging Face does it, for an encoder that takes squares of `cropSize`.
    package init(cropSize: Int = 224) {
        fit = .crop
        resizeSize = cropSize
        self.cropSize = cropSize
        interpolation = .bicubic
        rescaleFactor = 1 / 255
        mean = [0.48145466, 0.4578275, 0.40821073]
        standardDeviation = [0.26862954, 0.26130258, 0.27577711]
        cropRounding = .floor
        fillColor = [0, 0, 0]
    }
}

extension PreprocessingConfiguration {
    /// Whether pictures become so large.
    func gives(_ size: PixelSize) -> Bool {
        guard let patches else { return size == PixelSize(side: cropSize) }
        let (columns, rows) = (size.width / patches.side, size.height / patches.side)
        return columns > 0 && rows > 0 && size == PixelSize(width: columns * patches.side, height: rows * patches.side)
            && columns <= patches.count && rows <= patches.count / columns
    }

    /// How large pictures become, height first, for errors.
    var sizeDescription: String {
        guard let patches else { return "\(cropSize), \(cropSize)" }
        return "height, width] of at most \(patches.count) patches of [\(patches.side), \(patches.side)"
    }
}

/// How large a picture becomes that keeps its shape: as large as so many patches allow.
package struct PatchBudget: Sendable, Equatable {
    /// The side of a patch, of which both edges become a multiple (`patch_size`).
    package var side: Int
    /// The most patches (`max_num_patches`).
    package var count: Int

    package init(side: Int, count: Int) {
        self.side = side
        self.count = count
    }

    /// The side of the largest square.
    package var squareSide: Int { side * Int(Double(count).squareRoot()) }

    /// The size of a picture of so many pixels, in the arithmetic of transformers' Siglip2ImageProcessor: the largest scale
    /// that a bisection finds whose edges, rounded up to whole patches, are not too many.
    func size(width: Int, height: Int) -> PixelSize {
        func edge(_ length: Int, _ scale: Double) -> Int {
            max(side, Int((Double(length) * scale / Double(side)).rounded(.up)) * side)
        }
        let precision = 1e-5
        var (least, most) = (precision / 10, 100.0)
        while most - least >= precision {
            let scale = (least + most) / 2
            let (columns, rows) = (edge(width, scale) / side, edge(height, scale) / side)
            if columns * rows <= count {
                least = scale
            } else {
                most = scale
            }
        }
        return PixelSize(width: edge(width, least), height: edge(height, least))
    }
}

/// The filters that resize a picture, as Pillow defines them. Shrinking stretches them by the ratio (antialiasing).
package enum Interpolation: String, Sendable, CaseIterable {
    /// Keys' cubic convolution with a = −0.5.
    case bicubic
    /// A triangle.
    case bilinear
    /// A sinc of three lobes.
    case lanczos
    /// The mean of the pixels covered.
    case box
    /// The pixel under the centre.
    case nearest
}

/// Where a centre crop begins when as many pixels can't be cut off on both sides.
package enum CropRounding: String, Sendable, CaseIterable {
    /// ⌊d / 2⌋, as Hugging Face does.
    case floor
    /// d / 2 rounded to the nearest whole number, halves to the even one, as torchvision (OpenAI, open_clip) does.
    case halfToEven = "half_to_even"
}
