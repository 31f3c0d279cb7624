/// What a buyer asks of the server.
enum Step: String, CaseIterable, Sendable {
    case session, challenge, link, purchase, order, payment
}
