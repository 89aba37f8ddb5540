/// A library of the system that is looked for when it is wanted: nothing is linked to it, and it may not be there.
package struct DynamicLibrary: @unchecked Sendable {
    private let handle: UnsafeMutableRawPointer

    /// The first of these names that the system's loader finds, which stays open; nil if it finds none.
    package init?(_ names: [String]) {
        guard let handle = names.lazy.compactMap({ dlopen($0, RTLD_NOW | RTLD_LOCAL) }).first else { return nil }
        self.handle = handle
    }

    /// The program itself and what it is linked with.
    package static let program = dlopen(nil, RTLD_NOW | RTLD_LOCAL).map { DynamicLibrary(handle: $0) }

    private init(handle: UnsafeMutableRawPointer) { self.handle = handle }

    /// The function `name`, taken for one of type `Function`, which must be that of a C function; nil where there is none.
    package func function<Function>(_ name: String, as type: Function.Type = Function.self) -> Function? {
        dlsym(handle, name).map { unsafeBitCast($0, to: type) }
    }

    /// The same of a function that must be there.
    package func required<Function>(
        _ name: String, as type: Function.Type = Function.self
    ) throws(MissingFunction) -> Function {
        guard let function = function(name, as: type) else { throw MissingFunction() }
        return function
    }

    /// A library without a function that it should have is of no use.
    package struct MissingFunction: Error {}
}
