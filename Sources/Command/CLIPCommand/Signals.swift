import CLIPSystem
import PictureCollections

/// What signals mean to a well-behaved filter.
enum Signals {
    /// An interrupted run leaves no temporary file; a file that grows past the limit is an error, not the end; and one that
    /// is cut short while it is mapped ends the run with a message.
    static func prepare() {
        TemporaryFiles.removeOnInterrupt()
        MappedRanges.endProcessOnFault { path in
            """
            clip: \(displayed(path)): was cut short or can't be read any more while it was in use: let whatever writes it \
            make a new file and rename that, then run this again
            """
        }
        signal(SIGXFSZ, SIG_IGN)
    }

    /// The reader of a pipe has gone: end as if by SIGPIPE, which somebody asked not to get.
    static func diesOfClosedPipe() -> Int32 { 128 + SIGPIPE }
}
