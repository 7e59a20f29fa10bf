using System.Text.Json;
using ZfRepl.Cli.Progress;
using ZfRepl.Hosting.Rpc;
using ZfRepl.TestKit;

namespace ZfRepl.Cli.Tests.Progress;

/// <summary>Following long work of a service that answers what a test wants, with a clock that the test turns.</summary>
public sealed class FollowerTests
{
    private readonly ManualTime _time = new();
    private readonly List<WorkView> _shown = [];
    private readonly Queue<RpcReply> _answers = new();

    [Fact]
    public async Task A_fill_task_is_followed_to_its_end_also_over_a_restart_of_its_service()
    {
        Answers(
            Value("""[{"id":"a","mailbox":"centre","state":"open","percent":10,"events":5,"bytes":600,"events_per_second":2.5,"remaining_seconds":9,"doing":"fills"}]"""),
            new RpcReply.Unreachable(RpcTrouble.NoSocket, "gone", "start it"),
            new RpcReply.RemoteError(RpcErrorCode.NotReady, "starts"),
            Value("""[{"id":"b","state":"open"},{"id":"a","mailbox":"centre","state":"done","events":50}]"""));
        var task = Json("""{"id":"a","mailbox":"centre","state":"open"}""");
        var followed = await TurnAsync(Follower().FillAsync("centre", task, _shown.Add, CancellationToken.None));
        Assert.Null(followed.Failure);
        Assert.Equal("done", followed.Last!.Value.GetProperty("state").GetString());
        Assert.Equal(
            new WorkView("filling centre") { Percent = 10, Events = 5, Bytes = 600, EventsPerSecond = 2.5, RemainingSeconds = 9, Note = "fills" }, _shown[^1]);
    }

    [Fact]
    public async Task A_service_that_stays_away_is_given_up()
    {
        _answers.Enqueue(new RpcReply.Unreachable(RpcTrouble.NoSocket, "gone", "start it"));
        var task = Json("""{"id":"a","mailbox":"centre","state":"open"}""");
        var followed = await TurnAsync(Follower().FillAsync("centre", task, _shown.Add, CancellationToken.None));
        Assert.IsType<RpcReply.Unreachable>(followed.Failure);
        Assert.InRange(_time.GetUtcNow() - new ManualTime().GetUtcNow(), TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(62));
    }

    [Fact]
    public async Task An_import_is_shown_as_long_as_its_call_lasts()
    {
        Answers(
            Value("[]"),
            Value("""[{"path":"/other","state":"running"},{"path":"/stick","state":"running","done_files":2,"total_files":9,"done_bytes":20,"events":7,"percent":22}]"""));
        var call = new TaskCompletionSource<RpcReply>();
        var following = Follower().ImportAsync("/stick", call.Task, view => { _shown.Add(view); call.TrySetResult(Value("{}")); }, CancellationToken.None);
        Assert.IsType<RpcReply.Value>(await TurnAsync(following));
        Assert.Equal(new WorkView("importing /stick") { Percent = 22, Done = 2, Total = 9, Unit = "files", Bytes = 20, Events = 7 }, Assert.Single(_shown));
    }

    [Fact]
    public async Task Fetching_is_followed_until_what_waited_at_first_is_here()
    {
        Answers(
            Status("""{"source":"edge1","active":false,"sessions":0}"""),
            Status("""{"source":"edge1","active":true,"sessions":1,"session":{"in_touch":false,"blocks":0,"events":0,"left_blocks":0,"left_events":0}}"""),
            Status("""{"source":"edge1","active":true,"sessions":1,"session":{"in_touch":true,"blocks":1,"events":10,"left_blocks":3,"left_events":30,"percent":25}}"""),
            Status("""{"source":"edge1","active":true,"sessions":1,"session":{"in_touch":true,"blocks":4,"events":41,"left_blocks":2,"left_events":20,"percent":67}}"""));
        var followed = await TurnAsync(Follower().FetchAsync("edge1", Json("""{"active":false,"sessions":0}"""), _shown.Add, CancellationToken.None));
        Assert.NotNull(followed.Last!.Value.Field("session"));
        Assert.Equal(3, _shown.Count);
        Assert.Equal((4, 6, 67), (_shown[^1].Done, _shown[^1].Total, _shown[^1].Percent));
    }

    [Fact]
    public async Task A_session_that_is_over_ends_the_following()
    {
        Answers(Status("""{"source":"edge1","active":false,"sessions":2,"backlog_events":5,"trouble":"no answer"}"""));
        var followed = await TurnAsync(Follower().FetchAsync("edge1", Json("""{"active":false,"sessions":1}"""), _shown.Add, CancellationToken.None));
        Assert.Null(followed.Last!.Value.Field("session"));
        Assert.Null(followed.Failure);
    }

    private static RpcReply.Value Value(string json) => new(Json(json));

    private static RpcReply.Value Status(string client) => Value($$"""{"clients":[{"source":"edge0"},{{client}}]}""");

    private static JsonElement Json(string text)
    {
        using var document = JsonDocument.Parse(text);
        return document.RootElement.Clone();
    }

    private void Answers(params RpcReply[] answers) => answers.ToList().ForEach(_answers.Enqueue);

    /// <summary>The last answer is given again and again.</summary>
    private Follower Follower() => new(
        (_, _, _) => Task.FromResult(_answers.Count > 1 ? _answers.Dequeue() : _answers.Peek()), _time);

    private async Task<T> TurnAsync<T>(Task<T> following)
    {
        await Eventually.TrueAsync(
            () =>
            {
                if (!following.IsCompleted && _time.PendingTimers > 0)
                {
                    _time.Advance(TimeSpan.FromMilliseconds(500));
                }

                return following.IsCompleted;
            },
            "the following ends");
        return await following;
    }
}
