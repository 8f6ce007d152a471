internal import MartletCore
internal import MartletEncoder

/// What calibration keeps of every linear layer's inputs: the largest value of each channel, and how channels vary
/// together.
final class InputStatistics: ActivationObserver {
    private struct Site {
        var maxima: [Float]
        let gram: GramMatrix
    }

    private var sites: [LinearSite: Site] = [:]
    /// Set when there was no memory for a site.
    private(set) var failure: MartletError?

    /// Largest absolute value of each input channel; nil until the site was observed.
    func maxima(of site: LinearSite) -> [Float]? { sites[site]?.maxima }

    /// The mean of x xᵀ, row-major; nil until the site was observed.
    func gram(of site: LinearSite) -> [Float]? { sites[site]?.gram.mean() }

    func observe(_ site: LinearSite, _ rows: ActivationRows) {
        guard failure == nil else { return }
        do throws(MartletError) {
            var known: Site
            if let seen = sites.removeValue(forKey: site) {
                known = seen
            } else {
                known = Site(
                    maxima: [Float](repeating: 0, count: rows.channels), gram: try GramMatrix(channels: rows.channels))
            }
            for index in 0..<rows.rows {
                let row = rows[row: index]
                for channel in 0..<min(known.maxima.count, row.count) where abs(row[channel]) > known.maxima[channel] {
                    known.maxima[channel] = abs(row[channel])
                }
            }
            known.gram.add(rows)
            sites[site] = known
        } catch {
            failure = error
        }
    }
}
