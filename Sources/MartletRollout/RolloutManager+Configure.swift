extension RolloutManager {
    package func configure(_ configuration: RolloutConfiguration) {}
}
