/// The second byte of the markers that the decoder acts upon (ITU-T T.81, table B.1).
enum JPEGMarker {
    static let startOfImage: UInt8 = 0xD8
    static let endOfImage: UInt8 = 0xD9
    static let startOfScan: UInt8 = 0xDA
    static let quantisationTables: UInt8 = 0xDB
    static let huffmanTables: UInt8 = 0xC4
    static let arithmeticConditioning: UInt8 = 0xCC
    static let restartInterval: UInt8 = 0xDD
    static let numberOfLines: UInt8 = 0xDC
    static let firstRestart: UInt8 = 0xD0
    static let lastRestart: UInt8 = 0xD7
    static let temporary: UInt8 = 0x01
    static let jfif: UInt8 = 0xE0
    static let exif: UInt8 = 0xE1
    static let adobe: UInt8 = 0xEE

    static func isRestart(_ marker: UInt8) -> Bool { marker >= firstRestart && marker <= lastRestart }

    /// SOF0…SOF15 without the three codes of that range that mean something else (DHT, JPG, DAC).
    static func isStartOfFrame(_ marker: UInt8) -> Bool {
        marker >= 0xC0 && marker <= 0xCF && marker != huffmanTables && marker != 0xC8
            && marker != arithmeticConditioning
    }
}
