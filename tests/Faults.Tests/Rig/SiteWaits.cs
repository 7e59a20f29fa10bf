using ZfRepl.EndToEnd.Tests.Harness;
using ZfRepl.TestKit;

namespace ZfRepl.Faults.Tests.Rig;

/// <summary>What may be waited for again and again, whatever was waited for before.</summary>
internal static class SiteWaits
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>Waits until the process of the last start has said that it works.</summary>
    public static async Task WorksAsync(params ZfReplProcess[] services)
    {
        foreach (var service in services)
        {
            var process = service.Process;
            await Eventually.TrueAsync(
                () => process.Output.Contains("ready ", StringComparison.Ordinal)
                    || (process.HasExited ? throw new InvalidOperationException($"{service.Name} ended with {process.ExitCode}:\n{service.Output}") : false),
                $"{service.Name} works:\n{service.Output}",
                Limit);
        }
    }
}
