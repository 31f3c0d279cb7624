/// What a buyer asks of the server.
enum Step: String, CaseIterable, Sendable {
    case session, link, purchase, order, payment
}
