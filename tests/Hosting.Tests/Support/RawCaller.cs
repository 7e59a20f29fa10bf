using System.Net.Sockets;
using System.Text;

namespace ZfRepl.Hosting.Tests.Support;

/// <summary>Speaks HTTP by hand, for requests that no client would send.</summary>
internal sealed class RawCaller : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

    public RawCaller(string path) => _socket.Connect(new UnixDomainSocketEndPoint(path));

    /// <summary>Posts a body and returns the status and the body of the answer.</summary>
    public static async Task<(int Status, string Body)> PostAsync(string path, string body, string method = "POST")
    {
        using var caller = new RawCaller(path);
        await caller.SendAsync($"{method} / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}");
        return await caller.ReadToEndAsync();
    }

    public async Task SendAsync(string text) => await _socket.SendAsync(Encoding.UTF8.GetBytes(text));

    public async Task<(int Status, string Body)> ReadToEndAsync()
    {
        using var limit = new CancellationTokenSource(RunningHost.Patience);
        using var bytes = new MemoryStream();
        var buffer = new byte[65536];
        try
        {
            int count;
            while ((count = await _socket.ReceiveAsync(buffer, limit.Token)) > 0)
            {
                bytes.Write(buffer, 0, count);
            }
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
        {
            // What came before the cut is what the test looks at.
        }

        var text = Encoding.UTF8.GetString(bytes.ToArray());
        var split = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        return split < 0 ? (0, text) : (int.Parse(text.Split(' ')[1], null), Unchunk(text[..split], text[(split + 4)..]));
    }

    /// <summary>Closes without a word.</summary>
    public void Dispose() => _socket.Dispose();

    private static string Unchunk(string head, string body)
    {
        if (!head.Contains("chunked", StringComparison.OrdinalIgnoreCase))
        {
            return body;
        }

        var result = new StringBuilder();
        for (var position = 0; position < body.Length;)
        {
            var end = body.IndexOf("\r\n", position, StringComparison.Ordinal);
            if (end < 0)
            {
                break;
            }

            var length = Convert.ToInt32(body[position..end], 16);
            result.Append(body.AsSpan(end + 2, Math.Min(length, body.Length - end - 2)));
            position = end + 2 + length + 2;
        }

        return result.ToString();
    }
}
