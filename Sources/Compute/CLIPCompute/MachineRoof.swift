internal import CLIPKernels
import Synchronization

/// What a machine can do at most with an instruction set and a number of threads, as measured.
package struct MachineRoof: Sendable {
    /// Floating-point operations a second, two per multiply-add, of 32-bit floats in registers.
    package var operationsPerSecond: Double
    /// Operations a second, two per product of an int8 layer, of numbers in registers.
    package var integerOperationsPerSecond: Double
    /// The same of an int16 layer.
    package var pairOperationsPerSecond: Double
    /// Bytes a second that are read from memory.
    package var bytesPerSecond: Double
    /// Seconds until all threads have been given their part of some work and have come back, when there is nothing to do.
    package var secondsPerRegion: Double
}

extension Compute {
    /// Measures all limits, each for about `seconds`, the best of a few tries: whatever else runs only slows it down.
    /// - Parameter byteCount: how much memory is read through, more than the caches hold.
    package func measureRoof(seconds: Double = 0.3, byteCount: Int = 256 << 20) -> MachineRoof {
        let roofs = instructionSet.kernels.roofs
        let memory = FloatBuffer(count: byteCount / 4)
        let slice = memory.count / threads / 128 * 128
        let steps = 1 << 20
        return MachineRoof(
            operationsPerSecond: best(seconds) { _ in
                let done = roofs.multiplyAdds(steps)
                return done.result > 0 ? done.operations : 0
            },
            integerOperationsPerSecond: best(seconds) { _ in
                let done = roofs.integerProducts(steps)
                // Whatever the number is, it is asked for.
                return done.result == .max ? 0 : done.operations
            },
            pairOperationsPerSecond: best(seconds) { _ in
                let done = roofs.pairProducts(steps)
                return done.result == .max ? 0 : done.operations
            },
            bytesPerSecond: best(seconds) { thread in
                roofs.sum(memory.start + thread * slice, slice) == 0 ? 4 * slice : 0
            }, secondsPerRegion: secondsPerRegion(seconds))
    }

    private func secondsPerRegion(_ seconds: Double) -> Double {
        let clock = ContinuousClock()
        let begin = clock.now
        var least = Double.infinity
        repeat {
            let start = clock.now
            for _ in 0..<Compute.regionsPerTry { forEach(threads) { _ in } }
            least = min(least, (clock.now - start) / .seconds(1))
        } while (clock.now - begin) / .seconds(1) < seconds
        return least / Double(Compute.regionsPerTry)
    }

    private static let regionsPerTry = 100

    /// The highest rate of `work`, which returns how much a thread has done.
    private func best(_ seconds: Double, _ work: (_ thread: Int) -> Int) -> Double {
        let clock = ContinuousClock()
        let begin = clock.now
        var rate = 0.0
        repeat {
            let start = clock.now
            let done = Atomic(0)
            forEach(threads) { done.add(work($0), ordering: .relaxed) }
            rate = max(rate, Double(done.load(ordering: .relaxed)) / ((clock.now - start) / .seconds(1)))
        } while (clock.now - begin) / .seconds(1) < seconds
        return rate
    }
}
