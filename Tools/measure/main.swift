import Foundation

// Programs that measure one part each; `Tools/bench` runs them next to their peers.
let arguments = Array(CommandLine.arguments.dropFirst())
switch arguments.first {
case "encoder":
    exit(EncoderMeasure.run(Array(arguments.dropFirst())))
case "encoder-worker":
    exit(EncoderWorker.serve(Array(arguments.dropFirst())))
case "overhead":
    exit(await OverheadMeasure.run(Array(arguments.dropFirst())))
case "document":
    exit(await DocumentMeasure.run(Array(arguments.dropFirst())))
case "embed":
    exit(EmbedMeasure.run(Array(arguments.dropFirst())))
case "load":
    exit(LoadMeasure.run(Array(arguments.dropFirst())))
case "unload":
    exit(UnloadMeasure.run(Array(arguments.dropFirst())))
case "unload-child":
    exit(await UnloadMeasure.serve(Array(arguments.dropFirst())))
case "swap":
    exit(await SwapMeasure.run(Array(arguments.dropFirst())))
case "serve-child":
    exit(await ServerChild.serve(Array(arguments.dropFirst())))
case "wire-server":
    exit(await WireServer.serve(Array(arguments.dropFirst())))
case "wire-load":
    exit(WireLoad.run(Array(arguments.dropFirst())))
default:
    print("Usage: martlet-measure encoder | overhead | document | embed | load | unload | swap [options]\n(each with --help)")
    exit(arguments.first == "--help" ? 0 : 2)
}
