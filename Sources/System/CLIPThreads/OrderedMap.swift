import Synchronization

extension Parallel {
    /// `transform` of each element, in their order.
    ///
    /// Each is transformed once, by any thread; what `transform` asks of `Cancellation` is asked for the caller.
    /// - Throws: of what `transform` throws the first in the order of the elements, once all are done.
    package func orderedMap<Element, Value, Failure: Error>(
        _ elements: [Element], _ transform: (Element) throws(Failure) -> Value
    ) throws(Failure) -> [Value] {
        let cancellation = Cancellation.ofCaller()
        let results = UnsafeMutableBufferPointer<Result<Value, Failure>>.allocate(capacity: elements.count)
        defer {
            results.deinitialize()
            results.deallocate()
        }
        run(elements.count) { index in
            let result = cancellation.during {
                Result { () throws(Failure) in try transform(elements[index]) }
            }
            results.initializeElement(at: index, to: result)
        }
        var values: [Value] = []
        values.reserveCapacity(elements.count)
        for result in results { values.append(try result.get()) }
        return values
    }
}

/// An ordered map over any number of elements: a batch is transformed on other threads while the caller works on the one
/// before.
package struct OrderedBatches<Input: Sendable, Output: Sendable>: Sendable {
    private let parallel: Parallel
    private let transform: @Sendable (_ input: Input, _ threads: Int) -> Output

    /// - Parameters:
    ///   - threads: at most so many elements are transformed at once. With one thread a batch is left to whoever waits for
    ///     it.
    ///   - pool: whose workers help.
    ///   - transform: takes an element, and how many threads there are for it alone.
    package init(
        threads: Int, pool: WorkerPool = .pictures,
        _ transform: @escaping @Sendable (_ input: Input, _ threads: Int) -> Output
    ) {
        parallel = Parallel(threads: threads, pool: pool)
        self.transform = transform
    }

    /// Some elements that are being transformed.
    package final class Batch: Sendable {
        package let inputs: [Input]
        private let map: OrderedBatches
        private let cancellation: Cancellation
        private let made = Mutex<[Output]?>(nil)

        fileprivate init(_ inputs: [Input], _ map: OrderedBatches, _ cancellation: Cancellation) {
            self.inputs = inputs
            self.map = map
            self.cancellation = cancellation
        }

        /// The results in order, once all are there: made by who waits, if nobody has begun.
        package func outputs() -> [Output] {
            made.withLock { made in
                if let made { return made }
                let outputs = cancellation.during { map.transformed(inputs) }
                made = outputs
                return outputs
            }
        }
    }

    /// Starts on a batch. Where the system has no thread for it, the work is left to whoever waits for it.
    /// - Parameter cancellation: what `transform` asks.
    package func start(_ inputs: [Input], _ cancellation: Cancellation) -> Batch {
        let batch = Batch(inputs, self, cancellation)
        if parallel.threads > 1, !inputs.isEmpty {
            // Where every thread is busy for long, who waits does the work: nothing of it may stay in the queue.
            _ = BackgroundThreads.shared.start { [weak batch] in _ = batch?.outputs() }
        }
        return batch
    }

    /// Calls `body` with one batch after another and its results, in order, on the caller's thread.
    ///
    /// At most two batches are in memory. What `body` throws ends the work; none of it goes on afterwards.
    /// - Parameter inputs: taken as they are needed.
    package func forEachBatch<Failure: Error>(
        of inputs: some Sequence<Input>, size: Int, _ body: ([Input], [Output]) throws(Failure) -> Void
    ) throws(Failure) {
        let cancellation = Cancellation.ofCaller()
        var remaining = inputs.makeIterator()
        func next() -> Batch {
            var elements: [Input] = []
            while elements.count < size, let element = remaining.next() { elements.append(element) }
            return start(elements, cancellation)
        }
        var batch = next()
        defer {
            cancellation.cancel()
            _ = batch.outputs()
        }
        while !batch.inputs.isEmpty {
            let (current, outputs) = (batch.inputs, batch.outputs())
            batch = next()
            try body(current, outputs)
        }
    }

    private func transformed(_ inputs: [Input]) -> [Output] {
        let share = max(1, parallel.threads / max(1, inputs.count))
        return parallel.orderedMap(inputs) { transform($0, share) }
    }
}
