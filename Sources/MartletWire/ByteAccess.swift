internal import MartletCore

extension Array where Element == UInt8 {
    /// `withUnsafeBytes` that keeps the typed error.
    func withBytes<Result>(
        _ use: (UnsafeRawBufferPointer) throws(MartletError) -> Result
    ) throws(MartletError) -> Result {
        let result = withUnsafeBytes { bytes -> Swift.Result<Result, MartletError> in
            do throws(MartletError) { return .success(try use(bytes)) } catch { return .failure(error) }
        }
        return try result.get()
    }
}
