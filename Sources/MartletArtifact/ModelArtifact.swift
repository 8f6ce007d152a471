package import MartletCore

/// A version that was read and verified: these are the bytes that are served, whatever happens to the folder now.
package struct ModelArtifact: Sendable {
    package let manifest: Manifest
    /// SHA-256 of `manifest.json` in lower-case hex.
    package let digest: String
    package let weights: MappedWeights
    package let tokenizerJSON: [UInt8]
    package let golden: [GoldenExample]

    package var tensors: any TensorSource { weights }
}
