using ZfRepl.Hosting.Lifetime;

namespace ZfRepl.Hosting.Tests.Support;

/// <summary>A service whose whole behaviour is given by the test.</summary>
internal sealed class ScriptedService(string id, Func<ServiceContext, CancellationToken, Task<ServiceFailure?>> run) : IService
{
    public string Id => id;

    public string Description => $"Test service {id}";

    public Task<ServiceFailure?> RunAsync(ServiceContext context, CancellationToken stop) => run(context, stop);

    /// <summary>A service that adds methods, is ready, and waits for its stop.</summary>
    public static ScriptedService Ready(string id, Action<ServiceContext>? prepare = null) => new(id, async (context, stop) =>
    {
        prepare?.Invoke(context);
        context.SignalReady();
        await UntilAsync(stop);
        return null;
    });

    public static async Task UntilAsync(CancellationToken stop)
    {
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = stop.Register(() => stopped.TrySetResult());
        await stopped.Task;
    }
}
