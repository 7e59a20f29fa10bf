namespace ZfRepl.TestKit;

/// <summary>mosquitto_pub and mosquitto_sub, clients that are not ours.</summary>
public static class MosquittoTools
{
    /// <summary>Runs mosquitto_pub to its end and expects success.</summary>
    public static async Task PublishAsync(int port, params string[] arguments)
    {
        var (code, output) = await TryPublishAsync(port, arguments);
        if (code != 0)
        {
            throw new InvalidOperationException($"mosquitto_pub ended with {code}:\n{output}");
        }
    }

    /// <summary>Runs mosquitto_pub to its end.</summary>
    public static async Task<(int Code, string Output)> TryPublishAsync(int port, params string[] arguments)
    {
        await using var process = ExternalProcess.Start(
            ProgramLookup.Find("mosquitto_pub")!, ["-h", "127.0.0.1", "-p", $"{port}", .. arguments]);
        var code = await process.WaitForExitAsync();
        return (code, process.Output);
    }

    /// <summary>Starts mosquitto_sub; returns when its subscriptions are acknowledged.</summary>
    public static async Task<ExternalProcess> SubscribeAsync(int port, params string[] arguments)
    {
        var process = ExternalProcess.Start(
            "stdbuf", ["-oL", ProgramLookup.Find("mosquitto_sub")!, "-d", "-h", "127.0.0.1", "-p", $"{port}", .. arguments]);
        await process.WaitForLineAsync("Subscribed (");
        return process;
    }
}

/// <summary>Password files for mosquitto.</summary>
public static class MosquittoPassword
{
    public static void Write(string path, string user, string password)
    {
        using var process = System.Diagnostics.Process.Start(ProgramLookup.Find("mosquitto_passwd")!, ["-c", "-b", path, user, password]);
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"mosquitto_passwd ended with {process.ExitCode}.");
        }
    }
}
