import PictureCollections
import Testing

@Suite struct GlobTests {
    @Test(arguments: [
        ("*.jpg", "a/b/c.jpg", true), ("*.jpg", "c.jpeg", false), ("b/*.jpg", "a/b/c.jpg", true),
        ("a/*.jpg", "a/b/c.jpg", false), ("a/**.jpg", "a/b/c.jpg", true), ("**", "a/b", true),
        ("c?.png", "x/cä.png", true),
        ("[a-c]1.png", "b1.png", true), ("[!a-c]1.png", "b1.png", false), ("[]x]1", "]1", true), ("[", "[", true),
        (#"\*.png"#, "*.png", true), (#"\*.png"#, "a.png", false), ("", "", true), ("", "a", false),
        ("2024/**", "photos/2024/x/y.png", true), ("2024/**", "photos/12024/y.png", false), ("/a/*", "/a/b", true),
        ("a*b*c*d*e*f*g", "aaaaaaaaaaaabbbbbbbbbbbbbbccccccccccccccdddddddddddeeeeeeeeeeefffffffff", false),
    ])
    func `Patterns match as they are written`(_ pattern: String, _ path: String, _ expected: Bool) {
        #expect(Glob(pattern).matches(path) == expected)
    }
}
