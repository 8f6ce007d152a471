/// `grpc.health.v1.HealthCheckResponse.ServingStatus`.
package enum HealthStatus: Sendable, Hashable {
    case unknown, serving, notServing
    /// Only `Watch` answers it.
    case serviceUnknown
}
