using System.Runtime.InteropServices;

namespace ZfRepl.Hosting.Lifetime;

/// <summary>Hears SIGTERM and SIGINT, and a token that stands for them, from its making to its disposal.</summary>
internal sealed class StopSignals : IDisposable
{
    private readonly TaskCompletionSource<string> _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _askedTwice = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<IDisposable> _registrations = [];

    private StopSignals()
    {
    }

    /// <summary>Completes with the name of what asked first.</summary>
    public Task<string> Asked => _asked.Task;

    /// <summary>Completes at the second signal.</summary>
    public Task AskedTwice => _askedTwice.Task;

    public static StopSignals Listen(bool handleSignals, CancellationToken stop)
    {
        var self = new StopSignals();
        self._registrations.Add(stop.Register(() => self._asked.TrySetResult("the program")));
        if (handleSignals)
        {
            self._registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGTERM, self.Hear));
            self._registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGINT, self.Hear));
        }

        return self;
    }

    public void Dispose()
    {
        foreach (var registration in _registrations)
        {
            registration.Dispose();
        }
    }

    private void Hear(PosixSignalContext context)
    {
        // Without this the runtime would end the process right behind this line.
        context.Cancel = true;
        if (!_asked.TrySetResult(context.Signal.ToString()))
        {
            _askedTwice.TrySetResult();
        }
    }
}
