package import MartletCore

/// One request message of `ClassifyDocument`.
package struct DocumentChunk: Sendable, Hashable {
    /// In the first chunk only.
    package var options: DocumentOptions?
    /// UTF-8, cut anywhere, even inside a character.
    package var data: [UInt8]

    package init(options: DocumentOptions? = nil, data: [UInt8]) {
        self.options = options
        self.data = data
    }
}
