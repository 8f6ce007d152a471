import ArgumentParser

struct ModelsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "models",
        abstract: "See what a server serves, and change it.",
        discussion: """
            Without a further word it lists the models. A version is 'ready' when it answers, and 'failed' with its \
            reason when it was refused; the others are on their way in or out. A server that was started with \
            --manage answers what changes something on those addresses only.

            Examples:
              martlet models
              martlet models guard --address unix:/run/martlet.sock
              martlet models label guard stable 3
              martlet models load guard@8
              martlet models route guard 7=90 8=10
              martlet models routes guard
              martlet models unload guard --address unix:/run/martlet-manage.sock
              martlet models watch
            """,
        subcommands: [
            ListModelsCommand.self, LoadModelCommand.self, UnloadModelCommand.self, ClearQuarantineCommand.self,
            LabelModelCommand.self, SetRouteCommand.self, ListRoutesCommand.self, WatchModelsCommand.self,
            ModelStatisticsCommand.self,
        ],
        defaultSubcommand: ListModelsCommand.self)
}
