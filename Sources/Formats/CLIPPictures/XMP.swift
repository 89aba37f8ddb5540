/// Reads the orientation from an XMP packet (ISO 16684-1), where programs write it as an attribute or an element:
/// `tiff:Orientation="6"` or `<tiff:Orientation>6<`.
///
/// Searched for as Pillow does, without parsing the packet: the first place with a digit counts. One pass over the packet.
/// - Returns: 1…8, 1 for a value that means nothing; nil when there is no orientation.
func xmpOrientation(_ packet: ArraySlice<UInt8>) -> Int? {
    let name = Array("tiff:Orientation".utf8)
    for start in packet.indices where packet[start] == name[0] && packet[start...].starts(with: name) {
        var rest = packet[(start + name.count)...]
        if rest.starts(with: "=\"".utf8) {
            rest = rest.dropFirst(2)
        } else if rest.first == UInt8(ascii: ">") {
            rest = rest.dropFirst()
        } else {
            continue
        }
        guard let digit = rest.first, (0x30...0x39).contains(digit) else { continue }
        return (0x31...0x38).contains(digit) ? Int(digit) - 0x30 : 1
    }
    return nil
}
