using System.Buffers;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;
using ZfRepl.Hosting.Lifetime;

namespace ZfRepl.Cli.Blocks;

/// <summary><c>block cat</c>: streams, so that a block of any size needs little memory.</summary>
internal static class BlockDump
{
    public static int Run(IEnumerable<string> paths, bool details)
    {
        if (BlockPaths.Find(paths, out var missing) is not { } files)
        {
            return ExitCode.Usage;
        }

        using var output = Console.OpenStandardOutput();
        var problems = new List<string>();
        foreach (var path in files)
        {
            problems.AddRange(Dump(path, output, details));
        }

        return BlockProblems.Report(files.Count, missing, problems);
    }

    private static List<string> Dump(string path, Stream output, bool details)
    {
        var opened = DiskStorage.Instance.Open(path, write: false);
        if (!opened.IsOk)
        {
            return [opened.Error.ToString()];
        }

        using var file = opened.Value;
        var scanner = BlockScanner.Open(file);
        return scanner.IsOk ? Dump(path, scanner.Value, output, details) : [scanner.Error.ToString()];
    }

    private static List<string> Dump(string path, BlockScanner scanner, Stream output, bool details)
    {
        var problems = new List<string>();
        var batch = new EventBatch(new OidTable());
        var reader = new EventFrameReader();
        var lines = new ArrayBufferWriter<byte>(64 * 1024);
        while (true)
        {
            var next = scanner.Next();
            if (!next.IsOk)
            {
                problems.Add(next.Error.ToString());
                return problems;
            }

            switch (next.Value)
            {
                case { Kind: ScanKind.End }:
                    return problems;
                case { Kind: ScanKind.Frame } frame when EventFrameReader.HoldsEvents(frame.Header.Type):
                    batch.Clear();
                    if (reader.Read(frame.Header, frame.Payload.Span, batch) is { } error)
                    {
                        problems.Add($"{path}: offset {frame.Offset}, {frame.LengthBytes} bytes: {error}");
                    }
                    else
                    {
                        Write(batch, lines, output, details);
                    }

                    break;
                case { Kind: ScanKind.Damage or ScanKind.Torn } damage:
                    problems.Add($"{path}: offset {damage.Offset}, {damage.LengthBytes} bytes: {damage.Reason}");
                    break;
                default:
                    break;
            }
        }
    }

    private static void Write(EventBatch batch, ArrayBufferWriter<byte> lines, Stream output, bool details)
    {
        for (var i = 0; i < batch.Count; i++)
        {
            TelemetryJson.WriteEvent(lines, batch[i], details);
            lines.Write("\n"u8);
        }

        output.Write(lines.WrittenSpan);
        lines.ResetWrittenCount();
    }
}
