#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif
import CLIPWeights

StandardDescriptors.fill()
exit(Root.run(ProcessArguments.all))
